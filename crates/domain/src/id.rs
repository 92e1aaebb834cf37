//! Typed names and numbers, so that one cannot be passed where another is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that cannot be one, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} {problem}")]
pub struct InvalidName {
    what: &'static str,
    given: String,
    problem: &'static str,
}

fn check_name(what: &'static str, given: &str) -> Result<(), InvalidName> {
    let fail = |problem| {
        Err(InvalidName {
            what,
            given: given.chars().take(80).collect(),
            problem,
        })
    };
    if given.is_empty() {
        return fail("is empty; give it a name such as `goimg/jwt`");
    }
    if given.len() > 128 {
        return fail("is longer than 128 bytes; choose a shorter one");
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !given.chars().all(legal) {
        return fail("has a character other than letters, digits, `/`, `.`, `_` and `-`");
    }
    if given
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return fail("has an empty part or `.` or `..` between its slashes");
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check_name($what, text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                check_name($what, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names! {
    /// The name of a managed credential, such as `goimg/jwt`. Letters, digits, `/`, `.`, `_`, `-`; at most 128 bytes.
    CredentialName = "credential name";
    /// The identity of one rotation: a time-ordered UUID as text.
    RotationId = "rotation id";
    /// Who drives a rotation: a process, unique among all that share a journal.
    DriverId = "driver id";
}

impl RotationId {
    /// A UUID of version 7 from the milliseconds since 1970 and ten random bytes (RFC 9562, section 5.7).
    pub fn from_parts(unix_millis: u64, random: [u8; 10]) -> Self {
        let id = uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid();
        Self(id.to_string())
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

numbers! {
    /// The number of a credential's version: 1 for the adopted one, never used twice, not even after an unwinding.
    VersionNumber;
    /// The number of a delivered view: grows with every delivery of a credential, in unwindings too.
    Revision;
    /// The position of an entry in a rotation's journal: 1 for the first.
    Sequence;
    /// The fencing token of a lease: grows with every claim, so that a driver that lost its lease can no longer append.
    FencingToken;
}

/// One version of one credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionId {
    /// Which credential.
    pub credential: CredentialName,
    /// Which of its versions.
    pub number: VersionNumber,
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.credential, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_of_plain_words() {
        assert!("goimg/jwt".parse::<CredentialName>().is_ok());
        for bad in ["", "a b", "a//b", "../a", "a/..", "ä", "a\nb", &"x".repeat(129)] {
            assert!(bad.parse::<CredentialName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_at_most_128_bytes_and_is_shown_as_it_is_written() {
        let longest = "x".repeat(128);
        assert_eq!(longest.parse::<CredentialName>().unwrap().to_string(), longest);
        assert_eq!(String::from("a-b".parse::<DriverId>().unwrap()), "a-b");
        assert!(serde_json::from_str::<CredentialName>("\"a b\"").is_err());
    }

    #[test]
    fn numbers_count_up() {
        assert_eq!(VersionNumber(1).next(), VersionNumber(2));
        let number = VersionNumber(3);
        let credential = "goimg/jwt".parse().unwrap();
        assert_eq!(VersionId { credential, number }.to_string(), "goimg/jwt#3");
    }

    #[test]
    fn rotation_ids_sort_by_time() {
        let early = RotationId::from_parts(1_000, [255; 10]);
        let late = RotationId::from_parts(1_001, [0; 10]);
        assert!(early < late);
    }
}
