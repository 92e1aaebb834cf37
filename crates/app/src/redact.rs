//! The last fence between material and everything that is written down: adapters do not put secrets into messages, and if one
//! does, what is journaled does not show it.

use keywheel_domain::evidence::Evidence;
use keywheel_domain::material::{Material, Secret};

/// Text shorter than this is not searched for: it would hit innocent words.
const SHORTEST: usize = 6;
const MARK: &str = "[redacted]";

/// Knows the material that a driver has seen.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    known: Vec<Secret>,
}

impl Redactor {
    /// Remembers the fields of a material.
    pub(crate) fn learn(&mut self, material: &Material) {
        self.known.extend(material.fields().map(|(_, secret)| secret.clone()));
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
    fn passwords_and_pem_lines_vanish_from_messages() {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        let mut redactor = Redactor::default();
        redactor.learn(&Material::single("password", secret("hunter2hunter2")));
        redactor.learn(&Material::single(
            "pem",
            secret("-----BEGIN X-----\nQUJDREVGRw==\n-----END X-----\n"),
        ));
        let message = "login with hunter2hunter2 failed near QUJDREVGRw== in -----BEGIN X-----";
        assert_eq!(
            redactor.text(message),
            "login with [redacted] failed near [redacted] in -----BEGIN X-----"
        );
    }
}
