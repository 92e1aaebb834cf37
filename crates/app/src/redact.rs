//! The last fence between material and everything that is written down: adapters do not put secrets into messages, and if one
//! does, what is journaled does not show it.

use keywheel_domain::evidence::Evidence;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::version::Attributes;

/// Text shorter than this is not searched for: it would hit innocent words.
const SHORTEST: usize = 6;
const MARK: &str = "[redacted]";

/// Knows the material that a driver has seen.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    known: Vec<Secret>,
}

impl Redactor {
    /// Remembers the fields of a material, but for those that are public: the name of a role is no secret because it is kept
    /// beside one.
    pub(crate) fn learn(&mut self, material: &Material, public: &Attributes) {
        let is_public = |secret: &Secret| {
            let text = secret.expose_text();
            public.values().any(|value| text == Some(value.as_str()))
        };
        let secrets = material.fields().map(|(_, secret)| secret);
        self.known.extend(secrets.filter(|secret| !is_public(secret)).cloned());
    }

    /// The text without anything of the material that is known; PEM bodies are found line by line.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.known.iter().filter_map(Secret::expose_text) {
            for part in std::iter::once(secret.trim()).chain(secret.lines()) {
                let innocent = part.len() < SHORTEST || part.starts_with("-----");
                if !innocent && clean.contains(part) {
                    clean = clean.replace(part, MARK);
                }
            }
        }
        clean
    }

    /// The same for facts.
    pub(crate) fn evidence(&self, evidence: Vec<Evidence>) -> Vec<Evidence> {
        let clean = |fact: Evidence| Evidence {
            subject: self.text(&fact.subject),
            detail: self.text(&fact.detail),
            ..fact
        };
        evidence.into_iter().map(clean).collect()
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn what_is_public_about_a_version_is_not_redacted() {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        let material = Material::single("password", secret("hunter2hunter2")).with("username", secret("goimg_a"));
        let mut redactor = Redactor::default();
        redactor.learn(&material, &[("username".to_owned(), "goimg_a".to_owned())].into());
        assert_eq!(redactor.text("goimg_a: hunter2hunter2"), "goimg_a: [redacted]");
    }

    #[test]
    fn passwords_and_pem_lines_vanish_from_messages() {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        let mut redactor = Redactor::default();
        redactor.learn(
            &Material::single("password", secret("hunter2hunter2")),
            &Attributes::new(),
        );
        redactor.learn(
            &Material::single("pem", secret("-----BEGIN X-----\nQUJDREVGRw==\n-----END X-----\n")),
            &Attributes::new(),
        );
        let message = "login with hunter2hunter2 failed near QUJDREVGRw== in -----BEGIN X-----";
        assert_eq!(
            redactor.text(message),
            "login with [redacted] failed near [redacted] in -----BEGIN X-----"
        );
    }
}
