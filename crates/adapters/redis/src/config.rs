//! What an operator writes about a Redis credential. Passwords are not among it: the one that Keywheel logs in with comes
//! from a [`SecretSource`](keywheel_domain::ports::SecretSource).

mod address;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use keywheel_domain::password::PasswordRule;
use serde::Deserialize;
use thiserror::Error;

pub use address::{Address, InvalidAddress};

/// The user that clients are who send a password alone.
pub(crate) const DEFAULT_USER: &str = "default";

/// A password of a Redis or Valkey user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// How two versions overlap. `dual_password` unless said otherwise.
    #[serde(default, rename = "kind")]
    pub strategy: Strategy,
    /// The ACL user that is rotated; `default` unless said otherwise, whose clients send a password alone.
    #[serde(default = "default_user")]
    pub user: String,
    /// The nodes that are known: every standalone server and its replicas, the Sentinels, or some nodes of a cluster. What they know
    /// is found through them.
    pub nodes: Vec<Address>,
    /// What the nodes are: `standalone` unless said otherwise.
    #[serde(default)]
    pub mode: Mode,
    /// The name of the master that the Sentinels watch; only in the mode `sentinel`.
    pub master: Option<String>,
    /// Whether replicas, masters, Sentinels and cluster nodes are found through the nodes that are named. Without it every node has to
    /// be named.
    #[serde(default = "yes")]
    pub discover: bool,
    /// Addresses that nodes tell of each other, and where Keywheel reaches them instead.
    #[serde(default)]
    pub aliases: BTreeMap<Address, Address>,
    /// How Keywheel logs in at Sentinels: as the administrator unless said otherwise.
    #[serde(default)]
    pub sentinel_login: SentinelLogin,
    /// Whether clients log in at the Sentinels, too, with this user. Its passwords are then changed and proved there as well.
    #[serde(default)]
    pub sentinel_clients: bool,
    /// The ACL user that Keywheel logs in as. It has to be another one than the rotated; only `in_place` works without.
    pub admin_user: Option<String>,
    /// TLS to every node.
    pub tls: Option<TlsConfig>,
    /// What a client has to be able to do with a version: a command and its arguments. `PING` unless said otherwise.
    #[serde(default = "ping")]
    pub check: Vec<String>,
    /// How passwords are made.
    #[serde(default, rename = "password_rule")]
    pub password: PasswordRule,
    /// Whether connections that were opened with the old version are closed once it is taken out of use.
    #[serde(default)]
    pub kill_connections: bool,
    /// Why it is accepted that a node can write neither an ACL file nor its configuration file, so that a restart brings the old
    /// password back. Without a reason such a node stops every rotation.
    pub allow_unpersisted: Option<String>,
    /// How long to wait for a connection and for each answer. Five seconds unless said otherwise.
    #[serde(default = "five_seconds")]
    pub timeout: SignedDuration,
}

/// How two versions overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Two passwords on one user.
    #[default]
    DualPassword,
    /// Two users of the same rights, `<user>_a` and `<user>_b`.
    TwinUsers,
    /// One password, `requirepass`, that is replaced. Clients are refused between the replacement and their next look at the store.
    InPlace,
}

/// What the nodes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Servers, with or without replicas.
    #[default]
    Standalone,
    /// Sentinels, and through them a master and its replicas.
    Sentinel,
    /// Nodes of one cluster.
    Cluster,
}

/// How Keywheel logs in at Sentinels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentinelLogin {
    /// As at every other node.
    #[default]
    Admin,
    /// Not at all: they let everybody in.
    None,
}

/// TLS by rustls; the certificate of every node is verified.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificates (PEM) that are trusted, and no others. Without it those of the system are.
    pub ca_file: Option<PathBuf>,
    /// The name that the certificates bear, where it is not the host of the address.
    pub server_name: Option<String>,
}

/// Why a configuration cannot work, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody to ask.
    #[error("`nodes` is empty: name at least one, for example `nodes = [\"redis.internal:6379\"]`")]
    NoNodes,
    /// Redis cannot have, or not keep, such a user.
    #[error(
        "{0:?} cannot be a user: Redis takes no white space, and a server that keeps its users in its configuration file does not start again with a quote in a name"
    )]
    User(String),
    /// `default` has no twin.
    #[error(
        "`kind = \"twin_users\"` needs a `user` other than `default`: clients that send a password alone cannot change to another user; use `dual_password`"
    )]
    TwinsOfDefault,
    /// `requirepass` belongs to one user.
    #[error(
        "`kind = \"in_place\"` replaces `requirepass`, which is the password of `default`: leave `user` out, or use `dual_password`"
    )]
    InPlaceOfNamed,
    /// Nobody to change anything as.
    #[error(
        "`admin_user` is missing: name an ACL user, other than the rotated one, that Keywheel logs in as; the README has its rights"
    )]
    NoAdmin,
    /// It would take its own password away.
    #[error(
        "`admin_user` is {0:?}, whose password is rotated: Keywheel would lock itself out; give it a user of its own"
    )]
    AdminIsRotated(String),
    /// Sentinels watch several masters.
    #[error("`master` is missing: name the master that the Sentinels watch, for example `master = \"mymaster\"`")]
    NoMaster,
    /// Only Sentinels give names to masters.
    #[error("`master` and the `sentinel_` fields belong to `mode = \"sentinel\"`: remove them, or change the mode")]
    NotSentinel,
    /// A Sentinel has no `CONFIG SET requirepass`.
    #[error(
        "`sentinel_clients` does not go with `kind = \"in_place\"`: Sentinels change passwords by ACL alone; use `dual_password`"
    )]
    InPlaceAtSentinels,
    /// Nothing to try.
    #[error(
        "`check` is empty: write a command that clients need, for example `check = [\"GET\", \"app:version\"]`, or leave it out"
    )]
    NoCheck,
    /// A consent that says nothing.
    #[error("`allow_unpersisted` is empty: say why it is accepted that a restart brings the old password back")]
    NoReason,
    /// No time at all.
    #[error("`timeout` is not a positive length of time: write for example \"5s\"")]
    Timeout,
}

impl RedisConfig {
    /// Refuses what could only fail later.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.nodes.is_empty() {
            return Err(ConfigError::NoNodes);
        }
        let users = std::iter::once(&self.user).chain(&self.admin_user);
        if let Some(bad) = users.into_iter().find(|user| !is_user(user)) {
            return Err(ConfigError::User(bad.clone()));
        }
        self.check_strategy()?;
        self.check_mode()?;
        if self.check.first().is_none_or(String::is_empty) {
            return Err(ConfigError::NoCheck);
        }
        if self
            .allow_unpersisted
            .as_ref()
            .is_some_and(|reason| reason.trim().is_empty())
        {
            return Err(ConfigError::NoReason);
        }
        if !self.timeout.is_positive() {
            return Err(ConfigError::Timeout);
        }
        Ok(())
    }

    fn check_strategy(&self) -> Result<(), ConfigError> {
        let is_default = self.user == DEFAULT_USER;
        match (self.strategy, &self.admin_user) {
            (Strategy::TwinUsers, _) if is_default => Err(ConfigError::TwinsOfDefault),
            (Strategy::InPlace, _) if !is_default => Err(ConfigError::InPlaceOfNamed),
            (Strategy::InPlace, _) if self.sentinel_clients => Err(ConfigError::InPlaceAtSentinels),
            (Strategy::DualPassword | Strategy::TwinUsers, None) => Err(ConfigError::NoAdmin),
            (_, Some(admin)) if self.family().contains(admin) => Err(ConfigError::AdminIsRotated(admin.clone())),
            _ => Ok(()),
        }
    }

    fn check_mode(&self) -> Result<(), ConfigError> {
        let sentinel_fields =
            self.master.is_some() || self.sentinel_clients || self.sentinel_login != SentinelLogin::default();
        match self.mode {
            Mode::Sentinel if self.master.as_ref().is_none_or(String::is_empty) => Err(ConfigError::NoMaster),
            Mode::Standalone | Mode::Cluster if sentinel_fields => Err(ConfigError::NotSentinel),
            _ => Ok(()),
        }
    }

    /// Relative paths count from `base`.
    #[must_use]
    pub fn relative_to(mut self, base: &Path) -> Self {
        if let Some(file) = self.tls.as_mut().and_then(|tls| tls.ca_file.as_mut()) {
            *file = base.join(&file);
        }
        self
    }

    /// Every user that a version may be of.
    pub(crate) fn family(&self) -> Vec<String> {
        match self.strategy {
            Strategy::DualPassword | Strategy::InPlace => vec![self.user.clone()],
            Strategy::TwinUsers => {
                let [a, b] = self.twins();
                vec![self.user.clone(), a, b]
            }
        }
    }

    pub(crate) fn twins(&self) -> [String; 2] {
        ["a", "b"].map(|twin| format!("{}_{twin}", self.user))
    }
}

/// Whether Redis can have such a user and still start with it.
fn is_user(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\'';
    !name.is_empty() && name.len() <= 256 && !name.contains(bad)
}

fn default_user() -> String {
    DEFAULT_USER.to_owned()
}

fn ping() -> Vec<String> {
    vec!["PING".to_owned()]
}

fn yes() -> bool {
    true
}

fn five_seconds() -> SignedDuration {
    SignedDuration::from_secs(5)
}

#[cfg(test)]
mod tests;
