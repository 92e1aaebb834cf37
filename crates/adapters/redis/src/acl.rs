//! ACL users: what a server says about one, and the rules that give another one the same rights.

use fred::types::Value;
use keywheel_domain::material::Secret;
use sha2::{Digest, Sha256};

use crate::ask::{expect_list, expect_pairs, expect_text};
use crate::error::Failure;

const WHAT: &str = "ACL GETUSER";

/// A user as a node has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) on: bool,
    /// Whether every password is accepted.
    pub(crate) nopass: bool,
    /// Hashes of the passwords that are accepted.
    pub(crate) hashes: Vec<String>,
    /// What `ACL SETUSER` takes to give another user these rights instead of its own. Nothing in it touches passwords.
    pub(crate) rules: Vec<String>,
}

impl User {
    /// Whether a password of that hash is accepted.
    pub(crate) fn accepts(&self, hash: &str) -> bool {
        self.on && (self.nopass || self.has(hash))
    }

    /// Whether a password of that hash is among the user's, be it on or off.
    pub(crate) fn has(&self, hash: &str) -> bool {
        self.hashes.iter().any(|known| known == hash)
    }

    /// Reads what `ACL GETUSER` answers; `None` where there is no such user.
    pub(crate) fn read(answer: Value) -> Result<Option<Self>, Failure> {
        if answer == Value::Null {
            return Ok(None);
        }
        let mut user = Self {
            on: false,
            nopass: false,
            hashes: Vec::new(),
            rules: Vec::new(),
        };
        let mut parts = Parts::default();
        for (name, value) in expect_pairs(answer, WHAT)? {
            match name.as_str() {
                "flags" => {
                    let flags = texts(value)?;
                    let has = |flag: &str| flags.iter().any(|known| known == flag);
                    (user.on, user.nopass) = (has("on"), has("nopass"));
                    parts.sanitize = flags.into_iter().find(|flag| flag.ends_with("sanitize-payload"));
                }
                "passwords" => user.hashes = texts(value)?,
                "commands" => parts.commands = rules(value, "")?,
                "keys" => parts.keys = rules(value, "~")?,
                "channels" => parts.channels = Some(rules(value, "&")?),
                "selectors" => parts.selectors = Some(selectors(value)?),
                // A later version may tell more; what it is cannot be known here.
                _ => {}
            }
        }
        user.rules = parts.into_rules();
        Ok(Some(user))
    }
}

/// The rights of a user, by kind. What a version of Redis does not tell, it does not take either.
#[derive(Default)]
struct Parts {
    sanitize: Option<String>,
    commands: Vec<String>,
    keys: Vec<String>,
    channels: Option<Vec<String>>,
    selectors: Option<Vec<String>>,
}

impl Parts {
    fn into_rules(self) -> Vec<String> {
        let mut rules: Vec<_> = self.sanitize.into_iter().collect();
        let mut part = |reset: &str, of: Vec<String>| {
            rules.push(reset.to_owned());
            rules.extend(of);
        };
        part("resetkeys", self.keys);
        if let Some(channels) = self.channels {
            part("resetchannels", channels);
        }
        if let Some(selectors) = self.selectors {
            part("clearselectors", selectors);
        }
        part("-@all", self.commands);
        rules
    }
}

/// Rules as text of later versions, or as a list of bare patterns of earlier ones, which lack their `sign`.
fn rules(value: Value, sign: &str) -> Result<Vec<String>, Failure> {
    match value {
        Value::Array(patterns) => {
            let signed = |pattern: &Value| Ok(format!("{sign}{}", expect_text(pattern, WHAT)?));
            patterns.iter().map(signed).collect()
        }
        text => Ok(expect_text(&text, WHAT)?
            .split_whitespace()
            .map(str::to_owned)
            .collect()),
    }
}

/// Further sets of rights, each as one rule in brackets.
fn selectors(value: Value) -> Result<Vec<String>, Failure> {
    let one = |selector: Value| {
        let mut parts = Parts::default();
        for (name, value) in expect_pairs(selector, WHAT)? {
            match name.as_str() {
                "commands" => parts.commands = rules(value, "")?,
                "keys" => parts.keys = rules(value, "~")?,
                "channels" => parts.channels = Some(rules(value, "&")?),
                _ => {}
            }
        }
        let rules = [parts.keys, parts.channels.unwrap_or_default(), parts.commands];
        Ok(format!("({})", rules.concat().join(" ")))
    };
    expect_list(value, WHAT)?.into_iter().map(one).collect()
}

fn texts(value: Value) -> Result<Vec<String>, Failure> {
    let values = expect_list(value, WHAT)?;
    values.iter().map(|value| expect_text(value, WHAT)).collect()
}

/// What stands for a password in an ACL: its SHA-256 in lower-case hexadecimal digits.
pub(crate) fn hash(password: &Secret) -> String {
    let digest = Sha256::digest(password.expose());
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let digits = digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn list(values: &[&str]) -> Value {
        Value::Array(values.iter().map(|value| Value::from(*value)).collect())
    }

    fn pairs(fields: Vec<(&str, Value)>) -> Value {
        let flat = fields.into_iter().flat_map(|(name, value)| [Value::from(name), value]);
        Value::Array(flat.collect())
    }

    #[test]
    fn a_user_of_redis_7_keeps_every_right_it_has() {
        let selector = pairs(vec![
            ("commands", "-@all +set".into()),
            ("keys", "~sel:*".into()),
            ("channels", "".into()),
        ]);
        let answer = pairs(vec![
            ("flags", list(&["on", "skip-sanitize-payload"])),
            ("passwords", list(&["aa", "bb"])),
            ("commands", "-@all +config|get +get".into()),
            ("keys", "~app:* %R~b:*".into()),
            ("channels", "&ch*".into()),
            ("selectors", Value::Array(vec![selector])),
        ]);
        let user = User::read(answer).unwrap().unwrap();
        assert!(user.on && !user.nopass && user.accepts("bb") && !user.accepts("cc"));
        let expected = "skip-sanitize-payload|resetkeys|~app:*|%R~b:*|resetchannels|&ch*|clearselectors|(~sel:* -@all +set)|-@all|-@all|+config|get|+get";
        assert_eq!(user.rules.join("|"), expected);
    }

    #[test]
    fn a_user_of_redis_6_names_bare_patterns_and_no_selectors() {
        let answer = pairs(vec![
            ("flags", list(&["off", "allkeys"])),
            ("passwords", list(&[])),
            ("commands", "+@all".into()),
            ("keys", list(&["*"])),
        ]);
        let user = User::read(answer).unwrap().unwrap();
        assert!(!user.on && !user.accepts("aa"));
        assert_eq!(user.rules, ["resetkeys", "~*", "-@all", "+@all"]);
    }

    #[test]
    fn a_user_that_is_off_accepts_nothing_and_one_without_a_password_everything() {
        let user = |on, nopass| User {
            on,
            nopass,
            hashes: vec!["aa".to_owned()],
            rules: Vec::new(),
        };
        assert!(!user(false, false).accepts("aa") && !user(false, true).accepts("aa"));
        assert!(user(true, true).accepts("zz"));
    }

    #[test]
    fn no_user_is_not_an_empty_one() {
        assert_eq!(User::read(Value::Null), Ok(None));
        assert!(User::read("OK".into()).is_err());
    }

    #[test]
    fn hashes_are_what_redis_computes() {
        let secret = Secret::new(Zeroizing::new(b"p1".to_vec()));
        assert_eq!(
            hash(&secret),
            "f64551fcd6f07823cb87971cfb91446425da18286b3ab1ef935e0cbd7a69f68a"
        );
    }
}
