//! The keys of one delivery, in memory that is wiped.

use std::collections::BTreeMap;

use keywheel_domain::ports::{Delivery, PortError};
use keywheel_domain::template::{Scope, Template};
use zeroize::Zeroizing;

use crate::config::{Each, KeyEntry, SecretConfig};
use crate::error::invalid;

/// The most that a Secret may hold, keys not counted (`MaxSecretSize` of the API).
const ROOM: usize = 1024 * 1024;
/// The longest key that the API takes.
const KEY_LIMIT: usize = 253;

/// What to write, as the configuration says it.
#[derive(Debug)]
pub(super) struct Specs(Vec<Spec>);

#[derive(Debug)]
struct Spec {
    name: Template,
    /// The name itself, where it is the same in every delivery.
    fixed: Option<String>,
    content: Template,
    each: Option<Each>,
}

/// The keys of a delivery with their content.
pub(super) type Keys = BTreeMap<String, Zeroizing<Vec<u8>>>;

impl Specs {
    /// Checks everything that can be known before a delivery.
    pub(super) fn new(config: &SecretConfig) -> Result<Self, PortError> {
        if config.keys.is_empty() {
            return Err(invalid(format!(
                "the Secret {} gets nothing; give it a `[[key]]` with `name` and `template`",
                config.secret_name
            )));
        }
        config.keys.iter().map(spec).collect::<Result<_, _>>().map(Self)
    }

    /// The keys that every delivery has.
    pub(super) fn fixed_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|spec| spec.fixed.as_deref())
    }

    /// Renders every key of the delivery. Touches no network.
    pub(super) fn render(&self, delivery: &Delivery) -> Result<Keys, PortError> {
        let scope = Scope::of(delivery)?;
        let mut keys = Keys::new();
        for spec in &self.0 {
            match spec.each {
                None => spec.render(&scope, &mut keys)?,
                Some(Each::Accepted) => {
                    for scope in scope.for_each_accepted() {
                        spec.render(&scope, &mut keys)?;
                    }
                }
            }
        }
        let size: usize = keys.values().map(|content| content.len()).sum();
        if size > ROOM {
            return Err(invalid(format!(
                "the Secret would hold {size} bytes, and {ROOM} are the most; write less into it, or split it into two stores"
            )));
        }
        Ok(keys)
    }
}

fn spec(entry: &KeyEntry) -> Result<Spec, PortError> {
    let fixed = (entry.each.is_none() && !entry.name.contains('{')).then(|| entry.name.clone());
    fixed.as_deref().map_or(Ok(()), check_name)?;
    Ok(Spec {
        fixed,
        name: Template::new(&entry.name, &entry.name)?,
        content: Template::new(&entry.name, &entry.template)?,
        each: entry.each,
    })
}

impl Spec {
    fn render(&self, scope: &Scope, keys: &mut Keys) -> Result<(), PortError> {
        // Anybody who may list Secrets can see a key, so a key knows no secret field.
        let name = self.name.render(&scope.public())?;
        let name = std::str::from_utf8(&name.bytes).map_err(|_| invalid("a key is not text"))?;
        check_name(name)?;
        let content = self.content.render(scope)?;
        match keys.insert(name.to_owned(), content.bytes) {
            None => Ok(()),
            Some(_) => Err(invalid(format!(
                "two entries write the key {name}; give one of them another name"
            ))),
        }
    }
}

/// What the API takes for a key of a Secret.
fn check_name(name: &str) -> Result<(), PortError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let dots = name == "." || name.starts_with("..");
    if !name.is_empty() && name.len() <= KEY_LIMIT && name.chars().all(plain) && !dots {
        return Ok(());
    }
    Err(invalid(format!(
        "{name:?} cannot be a key of a Secret; write up to {KEY_LIMIT} letters, digits, `-`, `_` and `.`"
    )))
}

#[cfg(test)]
mod tests {
    use keywheel_testkit::contract::secret_store::{delivery, view};

    use super::*;

    fn specs(keys: &str) -> Result<Specs, PortError> {
        Specs::new(&toml::from_str(&format!("secret_name = 'db'\n{keys}")).unwrap())
    }

    fn render(keys: &str) -> Result<Vec<String>, PortError> {
        let rendered = specs(keys)?.render(&delivery(&view(2, 2, &[1, 2])))?;
        Ok(rendered.into_keys().collect())
    }

    #[test]
    fn a_key_for_each_accepted_version_has_a_name_for_each() {
        let keys =
            "[[key]]\nname = 'password_{{ version.number }}'\ntemplate = '{{ version.password }}'\neach = 'accepted'";
        assert_eq!(render(keys).unwrap(), ["password_1", "password_2"]);
    }

    #[test]
    fn names_that_cannot_be_are_refused_before_a_delivery() {
        for name in ["", ".", "..data", "a/b", "a b", &"x".repeat(254)] {
            let refused = specs(&format!("[[key]]\nname = {name:?}\ntemplate = 'x'")).unwrap_err();
            assert!(refused.message().contains("cannot be a key"), "{name}: {refused}");
        }
        let twice = "[[key]]\nname = 'a'\ntemplate = 'x'\n[[key]]\nname = 'a'\ntemplate = 'y'";
        assert!(
            render(twice)
                .unwrap_err()
                .message()
                .contains("two entries write the key a")
        );
        assert!(specs("key = []").unwrap_err().message().contains("gets nothing"));
    }

    #[test]
    fn more_than_a_secret_may_hold_is_refused_before_it_is_sent() {
        let half = "{% for a in range(6000) %}0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}";
        let keys = format!("[[key]]\nname = 'a'\ntemplate = '{half}'\n[[key]]\nname = 'b'\ntemplate = '{half}'");
        assert!(render(&keys).unwrap_err().message().contains("1200000 bytes"));
    }
}
