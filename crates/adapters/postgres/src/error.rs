//! The one map from the errors of PostgreSQL and of its connections to those of the ports.
//!
//! A message says what was being done, where, and what to do about it. What the server said is its cause.

use std::borrow::Cow;
use std::fmt;
use std::io;

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};
use tokio_rustls::rustls::Error as TlsError;

use crate::login::Failure;

/// What a statement that failed means. Certainly no effect: its transaction goes with it. For a `COMMIT`, and for statements that
/// are sent together with one, [`commit`] is meant.
///
/// `doing` follows "cannot", as in `read the roles`; `server` follows "at".
pub(crate) fn statement(doing: &str, server: &str, error: sqlx::Error) -> PortError {
    mapped(&format!("cannot {doing} at {server}"), error)
}

/// The same for a statement that commits: whether it did is unknown where the answer was lost.
pub(crate) fn commit(doing: &str, server: &str, error: sqlx::Error) -> PortError {
    let unknown = leaves_commit_unknown(&error);
    let mapped = statement(doing, server, error);
    if unknown { mapped.with_unknown_effect() } else { mapped }
}

/// What a connection of Keywheel's own role that was not made means. A refused login is no `Refused` here: that is what an acceptor
/// says about the version that a call is about, and this is about the rotator.
pub(crate) fn connecting(user: &str, server: &str, error: sqlx::Error) -> PortError {
    let mapped = mapped(&format!("{user} cannot connect to {server}"), error);
    match mapped.kind {
        ErrorKind::Refused => own_login_refused(user, server, &mapped),
        _ => mapped,
    }
}

/// No answer in time. Whether the call had an effect, its caller knows.
pub(crate) fn timed_out(doing: &str, server: &str, limit: SignedDuration) -> PortError {
    let message = format!("cannot {doing} at {server}: no answer within {limit:#}; see whether the server hangs");
    PortError::transient(ErrorKind::TimedOut, message)
}

/// What an error of the server means, wherever it was said: in answer to `context`, a sentence without its end.
pub(crate) fn said(context: &str, code: &str, message: &str) -> PortError {
    let Meaning { kind, passes, advice } = meaning(code);
    let text = format!("{context}: {advice}");
    let mapped = if passes {
        PortError::transient(kind, text)
    } else {
        PortError::permanent(kind, text)
    };
    mapped.caused_by(Said::new(code, message))
}

/// What a login with a version that did not come to its end means. A refusal is only what an acceptor said about the version: a host
/// that `pg_hba.conf` does not let in, and a server that asks nobody for a password, say nothing about one.
pub(crate) fn login(context: &str, failure: Failure) -> PortError {
    let invalid = |advice: String| PortError::permanent(ErrorKind::Invalid, format!("{context}: {advice}"));
    match failure {
        Failure::Rejected(rejection) if rejection.is_refusal() => {
            PortError::permanent(ErrorKind::Refused, format!("{context}: the server refuses it"))
                .caused_by(Said::new(&rejection.code, &rejection.message))
        }
        Failure::Rejected(rejection) if rejection.code.starts_with("28") => {
            let advice = "pg_hba.conf does not let it in from here, whatever its password; add a line for the host that Keywheel runs on";
            PortError::permanent(ErrorKind::Forbidden, format!("{context}: {advice}"))
                .caused_by(Said::new(&rejection.code, &rejection.message))
        }
        Failure::Rejected(rejection) => said(context, &rejection.code, &rejection.message),
        Failure::Unasked => invalid(
            "the server let it in without asking for a password, so nothing is proved; see `trust` in pg_hba.conf"
                .to_owned(),
        ),
        Failure::Exposing(what) => invalid(format!(
            "the server asks for {what}; it was not sent: see pg_hba.conf and `password_encryption` there, and `tls` here"
        )),
        Failure::NotBelieved(why) => {
            invalid("the server was not believed; see its certificate, `ca_file` and `tls`".to_owned())
                .caused_by(Said(why))
        }
        Failure::Broken(error) => broken(context, error),
        Failure::TimedOut(limit) => PortError::transient(
            ErrorKind::TimedOut,
            format!("{context}: no answer within {limit:#}; see whether the server hangs"),
        ),
    }
}

/// What a connection that broke or was never made means.
pub(crate) fn broken(context: &str, error: io::Error) -> PortError {
    use io::ErrorKind::{InvalidData, InvalidInput, TimedOut};
    if let Some(refusal) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return not_believed(context, Said(refusal.to_string()));
    }
    let (kind, advice) = match error.kind() {
        TimedOut => (ErrorKind::TimedOut, "no answer in time; see whether the server hangs"),
        InvalidData | InvalidInput => (
            ErrorKind::Unavailable,
            "what answers there is not what was expected; see the cause, the address and the TLS mode",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the connection failed; see whether the server runs and the address is right",
        ),
    };
    PortError::transient(kind, format!("{context}: {advice}")).caused_by(error)
}

/// Whether it is unknown what became of a `COMMIT` that failed so. After an error that the server told and survived, it did not
/// happen; a connection that ended first may have ended on the way back.
pub(crate) fn leaves_commit_unknown(error: &sqlx::Error) -> bool {
    match sqlstate(error) {
        // Class 57P is a server that goes down, 08 a connection that does, 58 and XX a server in trouble.
        Some(code) => {
            ["57P", "08", "58", "XX"].iter().any(|class| code.starts_with(class)) && !is_concurrent_update(error)
        }
        None => !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed),
    }
}

/// Whether another transaction changed the same row of a catalog: the server does not wait there, it fails. Certainly no effect.
pub(crate) fn is_concurrent_update(error: &sqlx::Error) -> bool {
    // Not translated, and without a code of its own.
    let told = |error: &dyn sqlx::error::DatabaseError| error.message().starts_with("tuple concurrently ");
    error.as_database_error().is_some_and(told)
}

/// The SQLSTATE, where the server said anything at all.
pub(crate) fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

fn mapped(context: &str, error: sqlx::Error) -> PortError {
    match error {
        sqlx::Error::Database(error) => said(context, &error.code().unwrap_or_default(), error.message()),
        sqlx::Error::Io(error) => broken(context, error),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            PortError::transient(ErrorKind::Unavailable, format!("{context}: every connection is busy"))
        }
        sqlx::Error::Tls(cause) => not_believed(context, Said(cause.to_string())),
        sqlx::Error::Configuration(cause) => {
            let advice = "the name, the password or the certificates cannot be used; see the cause";
            PortError::permanent(ErrorKind::Invalid, format!("{context}: {advice}")).caused_by(cause)
        }
        error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_)) => {
            let advice = "a row cannot be read; was it written by another version?";
            PortError::permanent(ErrorKind::Storage, format!("{context}: {advice}")).caused_by(Said(error.to_string()))
        }
        error @ (sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) => {
            let advice = "the connection is not usable any more";
            PortError::transient(ErrorKind::Unavailable, format!("{context}: {advice}"))
                .caused_by(Said(error.to_string()))
        }
        error => {
            let advice = "it failed in a way that nobody foresaw; please report it";
            PortError::permanent(ErrorKind::Internal, format!("{context}: {advice}")).caused_by(Said(error.to_string()))
        }
    }
}

fn not_believed(context: &str, why: Said) -> PortError {
    let advice =
        "the server was not believed; see its certificate, `ca_file`, `tls`, and that the certificate is for this host";
    PortError::permanent(ErrorKind::Invalid, format!("{context}: {advice}")).caused_by(why)
}

fn own_login_refused(user: &str, server: &str, refused: &PortError) -> PortError {
    let message = format!(
        "{server} refuses Keywheel's own login as {user}; see its password file, and pg_hba.conf for the host that Keywheel runs on"
    );
    let cause = std::error::Error::source(refused).map(ToString::to_string);
    PortError::permanent(ErrorKind::Forbidden, message).caused_by(Said(cause.unwrap_or_default()))
}

/// What the server said, with the code by which its documentation knows it.
#[derive(Debug)]
struct Said(String);

impl Said {
    fn new(code: &str, message: &str) -> Self {
        Self(format!("{message} (SQLSTATE {code})"))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

struct Meaning {
    kind: ErrorKind,
    passes: bool,
    advice: &'static str,
}

/// The codes are those of <https://www.postgresql.org/docs/current/errcodes-appendix.html>; those that are not named here go by
/// their class.
fn meaning(code: &str) -> Meaning {
    let passes = |kind, advice| Meaning {
        kind,
        passes: true,
        advice,
    };
    let stays = |kind, advice| Meaning {
        kind,
        passes: false,
        advice,
    };
    match code {
        "28P01" | "28000" => stays(ErrorKind::Refused, "the login was refused"),
        "42501" => stays(
            ErrorKind::Forbidden,
            "a right is missing; run `keywheel doctor`, which names it",
        ),
        "25006" => passes(
            ErrorKind::Unavailable,
            "the server is read-only, as a standby is; name the primary",
        ),
        "3D000" => stays(
            ErrorKind::Invalid,
            "there is no such database; correct its name, or make it",
        ),
        "40001" | "40P01" | "55P03" => passes(ErrorKind::Conflict, "another transaction was in the way"),
        "42704" => stays(ErrorKind::NotFound, "it does not exist; see the cause for its name"),
        "42710" => passes(ErrorKind::Conflict, "somebody else made it at the same moment"),
        "53100" => passes(ErrorKind::Storage, "its disk is full; make room on it"),
        "53300" => passes(ErrorKind::Unavailable, "it has no connection left; see who holds them"),
        "57014" => passes(ErrorKind::TimedOut, "the server gave up after its time limit"),
        "XX001" | "XX002" => stays(ErrorKind::Storage, "its data are damaged; restore a backup"),
        _ => match code.get(..2) {
            Some("08" | "57") => passes(ErrorKind::Unavailable, "the server is going down or coming up"),
            Some("28") => stays(ErrorKind::Refused, "the login was refused"),
            Some("22" | "23") => stays(ErrorKind::Invalid, "it does not take the value; see the cause"),
            Some("53") => passes(ErrorKind::Unavailable, "it has run out of something; see the cause"),
            Some("58") => passes(ErrorKind::Storage, "its disk failed; look at the server's log"),
            Some("42") => stays(ErrorKind::Invalid, "it does not take the statement; see the cause"),
            _ => stays(
                ErrorKind::Internal,
                "it failed in a way that nobody foresaw; please report it",
            ),
        },
    }
}

#[cfg(test)]
mod tests;
