//! A command, and how its answer is read.

use std::borrow::Cow;

use fred::bytes::Bytes;
use fred::types::Value;
use keywheel_domain::material::Secret;

use crate::error::Failure;

/// One command with its arguments. It may hold a secret, so it cannot be printed.
pub(crate) struct Ask {
    /// The command and its fixed words, such as `ACL SETUSER`.
    name: &'static str,
    command: Cow<'static, str>,
    words: Vec<Value>,
    hides: bool,
}

impl Ask {
    pub(crate) fn new(name: &'static str) -> Self {
        let mut words = name.split(' ');
        Self {
            name,
            command: words.next().unwrap_or(name).into(),
            words: words.map(Value::from).collect(),
            hides: false,
        }
    }

    /// A command that an operator chose.
    pub(crate) fn custom(command: &str) -> Self {
        Self {
            name: "the check",
            command: command.to_owned().into(),
            words: Vec::new(),
            hides: false,
        }
    }

    pub(crate) fn word(mut self, word: &str) -> Self {
        self.words.push(Value::from(word));
        self
    }

    pub(crate) fn words<'a>(self, words: impl IntoIterator<Item = &'a String>) -> Self {
        words.into_iter().fold(self, |ask, word| ask.word(word))
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.words.push(Value::Bytes(Bytes::copy_from_slice(bytes)));
        self
    }

    /// A word that nobody may see: what the server says to it is repeated with care.
    pub(crate) fn secret(mut self, secret: &Secret) -> Self {
        self.hides = true;
        self.bytes(secret.expose())
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn hides(&self) -> bool {
        self.hides
    }

    /// The command, and what follows it.
    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Vec<Value>) {
        (self.command, self.words)
    }
}

/// The answer as text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        // Names and patterns may be anything; what is no text is only shown and compared.
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The answer to `what` as text, or that it has another form.
pub(crate) fn expect_text(value: &Value, what: &'static str) -> Result<String, Failure> {
    text(value).ok_or(Failure::Garbled(what))
}

/// The answer to `what` as a list.
pub(crate) fn expect_list(value: Value, what: &'static str) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(Failure::Garbled(what)),
    }
}

/// The answer to `what` as names with values, which older protocols send as one flat list.
pub(crate) fn expect_pairs(value: Value, what: &'static str) -> Result<Vec<(String, Value)>, Failure> {
    let mut values = expect_list(value, what)?.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        pairs.push((expect_text(&name, what)?, value));
    }
    Ok(pairs)
}

/// The field of that name in lines of `name:value`, as INFO answers.
pub(crate) fn field<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    lines
        .lines()
        .find_map(|line| line.split_once(':').filter(|(key, _)| *key == name))
        .map(|(_, value)| value.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_words_of_a_command_come_first() {
        let (command, words) = Ask::new("ACL SETUSER").word("goimg").word("on").into_parts();
        let words: Vec<_> = words.iter().filter_map(text).collect();
        assert_eq!(
            (&*command, words),
            ("ACL", ["SETUSER", "goimg", "on"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn answers_of_another_form_are_said_to_be_garbled() {
        assert_eq!(expect_text(&Value::Null, "PING"), Err(Failure::Garbled("PING")));
        assert!(expect_list(Value::Integer(1), "ROLE").is_err());
        let flat = Value::Array(vec!["a".into(), 1.into(), "b".into(), Value::Null]);
        let pairs = expect_pairs(flat, "X").unwrap();
        assert_eq!(pairs, [("a".to_owned(), 1.into()), ("b".to_owned(), Value::Null)]);
    }

    #[test]
    fn fields_of_info_are_found_by_their_whole_name() {
        let info = "# Server\r\nredis_version:7.0.15\r\nconfig_file:/etc/redis.conf\r\nfile:\r\n";
        assert_eq!(field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(field(info, "file"), Some(""));
        assert_eq!(field(info, "version"), None);
    }
}
