//! What an operator writes. No secret stands here: the rotator's password comes from a
//! [`SecretSource`](keywheel_domain::ports::SecretSource).

mod database;
mod endpoint;

use std::num::NonZeroU32;
use std::path::Path;

use jiff::SignedDuration;
use keywheel_domain::password::PasswordRule;
use serde::Deserialize;
use thiserror::Error;

pub use database::DatabaseConfig;
pub use endpoint::{AdminConfig, EndpointConfig, EndpointKind, Tls};

use crate::quote::{InvalidRoleName, RoleName};
use crate::scram::{FEWEST_ITERATIONS, MOST_ITERATIONS};

/// How a role gets a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Two login roles take turns, members of one owner that no one logs in as: both are accepted for a while.
    #[default]
    TwinRoles,
    /// One role, whose password is exchanged. Consumers are refused until they have the new one, so its policy has to declare the
    /// interruption.
    InPlace,
}

/// A database role whose password is rotated.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// How. `twin_roles` unless said otherwise.
    #[serde(default)]
    pub kind: Strategy,
    /// The application's role: what owns its tables and holds its grants. With twins nobody logs in as it any more, once the
    /// adopted password is retired.
    pub role: RoleName,
    /// The names of the twins: the role's with `_a` and `_b` unless said otherwise.
    #[serde(default)]
    pub twins: Option<[RoleName; 2]>,
    /// Where and as whom Keywheel changes roles: directly at the primary, never through a pooler.
    pub admin: AdminConfig,
    /// The database that consumers use; that of `admin` unless said otherwise.
    #[serde(default)]
    pub database: Option<String>,
    /// Where consumers log in besides: read replicas and poolers. A version is proved at each of them.
    #[serde(default, rename = "endpoint")]
    pub endpoints: Vec<EndpointConfig>,
    /// What a consumer has to be able to do: SQL that is run after the login and must not fail.
    #[serde(default = "select_one")]
    pub check: String,
    /// Whether sessions that are still open when their version is suspended or retired are ended.
    #[serde(default)]
    pub terminate_sessions: bool,
    /// The rounds of the verifier: 4096 unless said otherwise, and never fewer. More cost the server and every client time at each
    /// login, and add nothing to a random password.
    #[serde(default = "fewest_iterations")]
    pub iterations: NonZeroU32,
    /// How passwords are made.
    #[serde(default)]
    pub password_rule: PasswordRule,
    /// Whether a server that is set to `password_encryption = md5` gets MD5 hashes. Without it such a server is refused.
    #[serde(default)]
    pub allow_md5: bool,
    /// How long a connection may take, login and TLS included. 5 seconds unless said otherwise.
    #[serde(default = "five_seconds")]
    pub connect_timeout: SignedDuration,
    /// How long a statement may take. 10 seconds unless said otherwise.
    #[serde(default = "ten_seconds")]
    pub statement_timeout: SignedDuration,
    /// How long a replica is waited for, until it has what the primary had when the wait began. 5 seconds unless said otherwise;
    /// what takes longer is tried again like any other outage.
    #[serde(default = "five_seconds")]
    pub replica_wait: SignedDuration,
}

/// Why a configuration cannot work, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The name of a twin, made from the role's, is not one.
    #[error("{0}; name both in `twins`")]
    Twin(#[source] InvalidRoleName),
    /// One name for two roles.
    #[error("`{0}` is named twice among `role` and `twins`: they are three roles, so give them three names")]
    SameName(RoleName),
    /// The hand that feeds.
    #[error(
        "`admin.user` is `{0}`, which is rotated here: Keywheel would lock itself out; make a role of its own for it"
    )]
    RotatesItself(RoleName),
    /// No such name at the server, or none that its client can send.
    #[error(
        "`admin.user` is {0:?}: Keywheel's own role needs a plain name, such as `keywheel`, of printable ASCII without spaces and commas"
    )]
    AdminUser(String),
    /// No text where there has to be one.
    #[error("`{0}` is empty, or has a NUL in it")]
    Text(&'static str),
    /// Twins without twins.
    #[error("`twins` is for `kind = \"twin_roles\"`: remove it, or choose that kind")]
    NoTwins,
    /// Too few or too many rounds.
    #[error("`iterations` is {0}: write 4096 up to 100000; clients refuse more")]
    Iterations(u32),
    /// No time at all.
    #[error("`{0}` is not a positive length of time: write for example \"5s\"")]
    Time(&'static str),
    /// Two rotators for one credential.
    #[error("the `Admin` of this issuer was made for another `admin` section")]
    OtherAdmin,
    /// Nothing could ever connect.
    #[error("`admin.max_connections` is 0: write 1 or more")]
    Connections,
    /// A socket is no network.
    #[error("`{0}` is the folder of a socket, which has no TLS: write `tls = \"disable\"` beside it")]
    SocketWithTls(String),
    /// A certificate that is not used.
    #[error("`ca_file` of `{0}` is of no use without `tls = \"verify_full\"`: change the one or remove the other")]
    UnusedCa(String),
}

impl PostgresConfig {
    /// Refuses what could only fail later.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_names()?;
        if !(FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(&self.iterations.get()) {
            return Err(ConfigError::Iterations(self.iterations.get()));
        }
        for (text, name) in [
            (Some(self.check.as_str()), "check"),
            (self.database.as_deref(), "database"),
        ] {
            if text.is_some_and(|text| text.trim().is_empty() || text.contains('\0')) {
                return Err(ConfigError::Text(name));
            }
        }
        for (time, name) in [
            (self.connect_timeout, "connect_timeout"),
            (self.statement_timeout, "statement_timeout"),
            (self.replica_wait, "replica_wait"),
        ] {
            if !time.is_positive() {
                return Err(ConfigError::Time(name));
            }
        }
        self.admin.check()?;
        self.endpoints.iter().try_for_each(EndpointConfig::check)
    }

    /// The same with the paths in it counted from `folder`.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        let files = self.endpoints.iter_mut().map(|endpoint| &mut endpoint.ca_file);
        for file in files.chain([&mut self.admin.ca_file]).flatten() {
            *file = folder.join(&*file);
        }
        self
    }

    /// The twins' names; none where the role is rotated in place.
    pub(crate) fn twin_names(&self) -> Result<Option<[RoleName; 2]>, ConfigError> {
        match (self.kind, &self.twins) {
            (Strategy::InPlace, None) => Ok(None),
            (Strategy::InPlace, Some(_)) => Err(ConfigError::NoTwins),
            (Strategy::TwinRoles, Some(names)) => Ok(Some(names.clone())),
            (Strategy::TwinRoles, None) => {
                let name = |suffix| self.role.with(suffix).map_err(ConfigError::Twin);
                Ok(Some([name("_a")?, name("_b")?]))
            }
        }
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        let mut names = vec![self.role.clone()];
        for name in self.twin_names()?.into_iter().flatten() {
            if names.contains(&name) {
                return Err(ConfigError::SameName(name));
            }
            names.push(name);
        }
        let own = names.into_iter().find(|name| name.as_str() == self.admin.user);
        own.map_or(Ok(()), |name| Err(ConfigError::RotatesItself(name)))
    }
}

fn select_one() -> String {
    "SELECT 1".to_owned()
}

fn fewest_iterations() -> NonZeroU32 {
    NonZeroU32::new(FEWEST_ITERATIONS).expect("4096 is not zero")
}

fn five_seconds() -> SignedDuration {
    SignedDuration::from_secs(5)
}

fn ten_seconds() -> SignedDuration {
    SignedDuration::from_secs(10)
}

#[cfg(test)]
mod tests;
