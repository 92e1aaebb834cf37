//! The one error of all backends.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What went wrong, as far as a driver can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The backend cannot be reached, or is down.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// Too many requests.
    RateLimited,
    /// The backend looked at a credential and said no.
    Refused,
    /// The rotator lacks a right.
    Forbidden,
    /// What the call is about does not exist.
    NotFound,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// There is no room for another version.
    Quota,
    /// The configuration or the request is wrong.
    Invalid,
    /// The backend cannot do this.
    Unsupported,
    /// A disk is full, a folder is read-only, a file is not what it should be.
    Storage,
    /// A defect.
    Internal,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It cannot, until somebody changes something.
    Never,
    /// It can.
    Later,
    /// It can, but not before that time has passed.
    After(SignedDuration),
}

/// Whether the change happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It certainly did not.
    None,
    /// It may have. Look before acting.
    Unknown,
}

/// A failed call: what, whether to retry, and whether the effect is known.
///
/// The message says what to do next and never holds material.
#[derive(Debug)]
pub struct PortError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// Whether the change happened.
    pub effect: Effect,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl PortError {
    /// A failure that trying again cannot help, with certainly no effect.
    pub fn permanent(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            retry: Retry::Never,
            effect: Effect::None,
            message: message.into(),
            source: None,
        }
    }

    /// A failure that may pass, with certainly no effect.
    pub fn transient(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            retry: Retry::Later,
            ..Self::permanent(kind, message)
        }
    }

    /// The same, where the change may have happened.
    #[must_use]
    pub fn with_unknown_effect(self) -> Self {
        Self {
            effect: Effect::Unknown,
            ..self
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// The message, without its causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message and its causes in one line, as the journal and people get it.
    pub fn chain(&self) -> String {
        let mut line = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PortError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_cause_once() {
        let cause = std::io::Error::other("disk on fire");
        let error = PortError::transient(ErrorKind::Storage, "the file was not written").caused_by(cause);
        assert_eq!(error.to_string(), "the file was not written");
        assert_eq!(error.message(), "the file was not written");
        assert_eq!(error.chain(), "the file was not written: disk on fire");
    }

    #[test]
    fn a_failure_has_certainly_no_effect_unless_it_says_so() {
        let error = PortError::permanent(ErrorKind::Invalid, "no");
        assert_eq!((error.retry, error.effect), (Retry::Never, Effect::None));
        let lost = PortError::transient(ErrorKind::TimedOut, "no answer").with_unknown_effect();
        assert_eq!((lost.retry, lost.effect), (Retry::Later, Effect::Unknown));
    }
}
