//! Secrets stand in the configuration by reference only. One that was written there by mistake is refused before anything else
//! could show it in an error.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::error::ConfigError;

/// Fields that would hold a secret, if they existed.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secret_key",
    "private_pem",
    "api_key",
    "apikey",
    "access_key",
    "token",
    "bearer",
    "value",
];
const FIX: &str = "secrets are never written into this file, only where they are kept: remove it from here and from the file's history, \
                   put it into a file that only its owner can read, and name that file; replace the secret if anybody may have seen it";

/// Refuses a document with a secret in it.
pub(super) fn refuse(document: Document<'_>, table: &DeTable<'_>) -> Result<(), ConfigError> {
    for (key, value) in table {
        let name = key.get_ref().to_lowercase();
        let text = value.get_ref().as_str();
        let what = match text {
            Some(_) if NAMES.contains(&name.as_str()) => Some("is the name of a secret"),
            Some(text) => secret_in(text),
            None => None,
        };
        if let Some(what) = what {
            return Err(document.error(&key.span(), format!("`{name}` {what}; {FIX}")));
        }
        look_into(document, value)?;
    }
    Ok(())
}

fn look_into(document: Document<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), ConfigError> {
    match value.get_ref() {
        DeValue::Table(table) => refuse(document, table),
        DeValue::Array(values) => values.iter().try_for_each(|value| {
            if let Some(what) = value.get_ref().as_str().and_then(secret_in) {
                return Err(document.error(&value.span(), format!("this text {what}; {FIX}")));
            }
            look_into(document, value)
        }),
        _ => Ok(()),
    }
}

fn secret_in(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return Some("holds a private key");
    }
    if is_sealing_key(text) {
        return Some("looks like the key itself, not like the name of its file or variable");
    }
    has_password(text).then_some("holds a password in an address")
}

/// 32 bytes in base64, as a key file holds them.
fn is_sealing_key(text: &str) -> bool {
    let body = text.trim_end().strip_suffix('=').unwrap_or_default();
    body.len() == 43 && body.chars().all(|c| c.is_ascii_alphanumeric() || "+/-_".contains(c))
}

/// `https://user:password@host`. A template that fills the password in holds none.
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let login = authority
        .and_then(|authority| authority.rsplit_once('@'))
        .map(|(login, _)| login);
    login
        .and_then(|login| login.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty() && !is_filled_in(password))
}

/// One expression of a template, in which nothing stands literally.
fn is_filled_in(text: &str) -> bool {
    let expression = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    expression.is_some_and(|expression| !expression.contains(['"', '\'', '{', '}']))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<(), String> {
        let document = Document {
            path: Path::new("keywheel.toml"),
            text,
        };
        document.root().map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_refused_wherever_it_stands_and_never_shown() {
        let key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=";
        let pem = "-----BEGIN PRIVATE KEY-----hunter2";
        for (text, secret) in [
            ("password = \"hunter2\"".to_owned(), "hunter2"),
            ("[a.b]\nSecret = \"hunter2\"".to_owned(), "hunter2"),
            (format!("[key]\nfile = \"{key}\""), key),
            (format!("[[a]]\nb = [[\"{pem}\"]]"), "hunter2"),
            ("[[a]]\nurl = \"https://me:hunter2@x/y\"".to_owned(), "hunter2"),
            ("a = \"https://me:{{ 'hunter2' }}@x/y\"".to_owned(), "hunter2"),
            ("a = \"https://me:{{ a }}hunter2{{ b }}@x/y\"".to_owned(), "hunter2"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains("never written into this file"), "{error}");
            assert!(!error.contains(secret), "{error}");
        }
    }

    #[test]
    fn paths_addresses_and_lists_of_tokens_are_no_secrets() {
        let text = "file = \"/etc/keywheel/key\"\nurl = \"https://x:8443/a@b\"\ntokens = [{ name = \"access\" }]";
        assert_eq!(read(text), Ok(()));
        let template =
            "template = \"postgres://{{ primary.username }}:{{ primary.password | urlencode }}@db:5432/goimg\"";
        assert_eq!(read(template), Ok(()));
    }
}
