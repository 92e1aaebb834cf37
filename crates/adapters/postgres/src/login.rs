//! Logins as a consumer would make them, but that see more: how the server asked for the password, and which part of it refused.
//!
//! A driver for applications hides both. Yet a server that asks for no password proves nothing about one, and one that
//! refuses a host in `pg_hba.conf` says nothing about a role. And unlike libpq some drivers cannot log in as a role with
//! a comma in its name, or with a password that SASLprep does not take; what is proved here is what libpq can do.

mod authenticate;
mod rejection;
mod session;
mod tls;
mod wire;

use std::fmt;
use std::io;

use jiff::SignedDuration;
use keywheel_domain::ports::Clock;

use crate::endpoint::Endpoint;

pub(crate) use rejection::Rejection;
pub(crate) use session::{Asked, Session};

/// Who logs in, where, and what it may be asked for. It cannot be printed: the password is in it.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// Whether the password may be hashed with MD5.
    pub(crate) allow_md5: bool,
    pub(crate) limit: SignedDuration,
}

/// How the server made sure that the password is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// By SCRAM-SHA-256: the server proved that it knows the verifier, too.
    Scram,
    Md5,
    Clear,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scram => "SCRAM-SHA-256",
            Self::Md5 => "MD5",
            Self::Clear => "a password in the clear",
        })
    }
}

/// Why a login did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said no: to the password, to the role, or to something else.
    Rejected(Rejection),
    /// It lets everybody in: nobody asked for the password.
    Unasked,
    /// It asks for the password in a way that would give it away.
    Exposing(&'static str),
    /// What answers is not whom it claims to be, or no PostgreSQL.
    NotBelieved(String),
    /// The connection failed.
    Broken(io::Error),
    /// No answer within that time.
    TimedOut(SignedDuration),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Login<'_> {
    /// Logs in.
    pub(crate) async fn open(&self, clock: &dyn Clock) -> Result<Session, Failure> {
        let limit = self.limit;
        let opened = async {
            let wire = wire::open(self.endpoint).await?;
            authenticate::open(wire, self).await
        };
        within(clock, limit, opened).await
    }
}

/// The work, or a failure when the time is up.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: SignedDuration,
    work: impl Future<Output = Result<T, Failure>> + Send,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        done = work => done,
        () = clock.sleep(limit) => Err(Failure::TimedOut(limit)),
    }
}
