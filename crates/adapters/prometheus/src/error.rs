//! The one map from what happens to a request to [`PortError`].

use std::error::Error;
use std::io;

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};

/// A configuration that cannot be meant. Certainly no effect.
pub(crate) fn invalid(message: impl Into<String>) -> PortError {
    PortError::permanent(ErrorKind::Invalid, message)
}

/// No answer in time.
pub(crate) fn timed_out(server: &str, limit: SignedDuration) -> PortError {
    let message = format!("{server} did not answer within {limit:#}");
    PortError::transient(ErrorKind::TimedOut, message).with_unknown_effect()
}

/// No whole answer.
pub(crate) fn broken(server: &str, error: reqwest::Error) -> PortError {
    let error = error.without_url();
    let message = format!("{server} cannot be reached");
    let failed = PortError::transient(ErrorKind::Unavailable, message);
    let failed = match never_sent(&error) {
        true => failed,
        false => failed.with_unknown_effect(),
    };
    failed.caused_by(error)
}

fn never_sent(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(error) = next.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::ConnectionRefused;
        }
        cause = next.source();
    }
    false
}

/// An answer that says no. `said` is what the server wrote about it, for people.
pub(crate) fn refused(server: &str, status: u16, said: &str) -> PortError {
    let said = match said.is_empty() {
        true => String::new(),
        false => format!(": {said}"),
    };
    let message = format!("{server} answered {status}{said}");
    match status {
        401 | 403 => PortError::permanent(
            ErrorKind::Forbidden,
            format!("{message}; give Keywheel a token that it accepts with `token_file` or `token_env`"),
        ),
        404 => PortError::permanent(
            ErrorKind::NotFound,
            format!("{message}; see whether `url` is the server's address without `/api`"),
        ),
        429 => PortError::transient(ErrorKind::RateLimited, message),
        500.. => PortError::transient(ErrorKind::Unavailable, message).with_unknown_effect(),
        _ => PortError::permanent(ErrorKind::Invalid, message),
    }
}

/// An answer that is none of this server's.
pub(crate) fn not_understood(server: &str, error: serde_json::Error) -> PortError {
    let message = format!("{server} answered something else than its API says; see whether `url` is right");
    PortError::permanent(ErrorKind::Invalid, message).caused_by(error)
}
