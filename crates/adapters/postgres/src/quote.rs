//! Names and values as SQL text. `ALTER ROLE` and its like take no parameters, so what goes into them is quoted, here alone.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// PostgreSQL cuts longer names off, and two of them may become one.
const LONGEST: usize = 63;

/// The name of a role, as the server keeps it: letters of both cases, quotes, spaces, anything but a NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RoleName(String);

/// A name that no role can have, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the role name {given:?} {problem}")]
pub struct InvalidRoleName {
    given: String,
    problem: &'static str,
}

impl RoleName {
    /// The name as the server keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as an identifier in SQL.
    pub(crate) fn quoted(&self) -> String {
        identifier(&self.0)
    }

    /// The name of one of its twins.
    pub(crate) fn with(&self, suffix: &str) -> Result<Self, InvalidRoleName> {
        format!("{}{suffix}", self.0).parse()
    }
}

impl FromStr for RoleName {
    type Err = InvalidRoleName;

    fn from_str(name: &str) -> Result<Self, InvalidRoleName> {
        let problem = match name {
            "" => "is empty; write the name of the role that the application logs in as",
            "public" | "none" => "is a word of PostgreSQL's own; choose another one",
            _ if name.starts_with("pg_") => "begins with `pg_`, as only PostgreSQL's own roles do; choose another one",
            _ if name.contains('\0') => "has a NUL in it, which no name can have",
            _ if name.len() > LONGEST => "is longer than 63 bytes, and would be cut off; choose a shorter one",
            _ => return Ok(Self(name.to_owned())),
        };
        let given = name.chars().take(80).collect();
        Err(InvalidRoleName { given, problem })
    }
}

impl TryFrom<String> for RoleName {
    type Error = InvalidRoleName;

    fn try_from(name: String) -> Result<Self, InvalidRoleName> {
        name.parse()
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name as a quoted identifier. No NUL may be in it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value as a literal that means the same whatever `standard_conforming_strings` says. No NUL may be in it.
pub(crate) fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') {
        // The space keeps the `E` apart from a word before it.
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_no_role_can_have_are_refused_with_what_to_do() {
        let refused = |name: &str| name.parse::<RoleName>().unwrap_err().to_string();
        assert!(refused("").contains("is empty"));
        assert!(refused("a\0b").contains("NUL"));
        assert!(refused("public").contains("PostgreSQL's own"));
        assert!(refused("pg_monitor").contains("`pg_`"));
        assert!(refused(&"ä".repeat(32)).contains("63 bytes"));
        assert!("x".repeat(63).parse::<RoleName>().is_ok());
        assert!("Gö\"im'g $1 \\\n%s".parse::<RoleName>().is_ok());
    }

    #[test]
    fn a_twin_that_would_be_cut_off_is_refused() {
        let name: RoleName = "x".repeat(62).parse().unwrap();
        assert!(name.with("_a").is_err());
    }

    #[test]
    fn quotes_and_backslashes_are_doubled() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), " E'a\\\\''b'");
        assert_eq!(literal("$1%\n"), "'$1%\n'");
    }

    /// What the server's lexer makes of a literal.
    fn read(literal: &str) -> Option<String> {
        let (escapes, body) = match literal.strip_prefix(" E") {
            Some(body) => (true, body),
            None => (false, literal),
        };
        let mut characters = body.strip_prefix('\'')?.chars();
        let mut value = String::new();
        loop {
            match characters.next()? {
                '\'' => match characters.next() {
                    Some('\'') => value.push('\''),
                    Some(_) => return None,
                    None => return Some(value),
                },
                '\\' if escapes => value.push(characters.next().filter(|next| *next == '\\')?),
                '\\' => return None,
                other => value.push(other),
            }
        }
    }

    proptest! {
        #[test]
        fn a_literal_is_read_as_what_it_was(value in "[a'\\\\\"$%\n\u{0}-\u{10FFFF}]{0,20}") {
            let value = value.replace('\0', "");
            prop_assert_eq!(read(&literal(&value)), Some(value));
        }

        #[test]
        fn an_identifier_ends_where_it_should(name in "[a'\\\\\"$%\n é]{1,20}") {
            let quoted = identifier(&name);
            let inner = &quoted[1..quoted.len() - 1];
            prop_assert_eq!(inner.replace("\"\"", "").matches('"').count(), 0);
            prop_assert_eq!(inner.replace("\"\"", "\""), name);
        }
    }
}
