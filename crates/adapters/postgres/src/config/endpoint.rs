//! Where servers are.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

const PORT: u16 = 5432;
const CONNECTIONS: u32 = 8;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// The server's certificate has to be for its host, and from an authority that is trusted.
    #[default]
    VerifyFull,
    /// Encrypted, but anybody could be at the other end.
    Require,
    /// In the clear: for a socket, or an address on the same machine.
    Disable,
}

/// The primary, and the role as which Keywheel changes others.
///
/// Issuers with equal ones can share an [`Admin`](crate::Admin), and with it its connections.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// A name or address, or the folder of a Unix socket.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// The database to connect to. Roles belong to the whole server, so any will do.
    #[serde(default = "postgres")]
    pub database: String,
    /// Keywheel's own role. It needs `CREATEROLE`; README.md has the grants.
    pub user: String,
    /// How the connection is protected. `verify_full` unless said otherwise.
    #[serde(default)]
    pub tls: Tls,
    /// The authority that signed the server's certificate, as PEM. Without it: those that the web trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The most connections at a time. 8 unless said otherwise.
    #[serde(default = "connections")]
    pub max_connections: u32,
}

/// What a further endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    /// A server that follows the primary: changes arrive there later, and it has sessions of its own.
    #[default]
    Replica,
    /// Another way to a server that is named already.
    Pooler,
}

/// Another place where consumers log in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// What it is. `replica` unless said otherwise.
    #[serde(default)]
    pub kind: EndpointKind,
    /// A name or address, or the folder of a Unix socket.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// The database that consumers use there; the same as at the primary unless said otherwise.
    #[serde(default)]
    pub database: Option<String>,
    /// How the connection is protected. `verify_full` unless said otherwise.
    #[serde(default)]
    pub tls: Tls,
    /// The authority that signed the server's certificate, as PEM. Without it: those that the web trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl AdminConfig {
    /// Refuses what could only fail later.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn check(&self) -> Result<(), ConfigError> {
        text(&self.host, "admin.host")?;
        text(&self.database, "admin.database")?;
        // The client that changes roles sends the name unquoted within a list.
        let plain = |c: char| c.is_ascii_graphic() && c != ',';
        if self.user.is_empty() || !self.user.chars().all(plain) {
            return Err(ConfigError::AdminUser(self.user.chars().take(80).collect()));
        }
        if self.max_connections == 0 {
            return Err(ConfigError::Connections);
        }
        protection(&self.host, self.tls, self.ca_file.is_some())
    }
}

impl EndpointConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        text(&self.host, "endpoint.host")?;
        if let Some(database) = &self.database {
            text(database, "endpoint.database")?;
        }
        protection(&self.host, self.tls, self.ca_file.is_some())
    }
}

fn text(value: &str, name: &'static str) -> Result<(), ConfigError> {
    match value.trim().is_empty() || value.contains('\0') {
        true => Err(ConfigError::Text(name)),
        false => Ok(()),
    }
}

fn protection(host: &str, tls: Tls, ca: bool) -> Result<(), ConfigError> {
    if host.starts_with('/') && tls != Tls::Disable {
        return Err(ConfigError::SocketWithTls(host.to_owned()));
    }
    if ca && tls != Tls::VerifyFull {
        return Err(ConfigError::UnusedCa(host.to_owned()));
    }
    Ok(())
}

fn port() -> u16 {
    PORT
}

fn postgres() -> String {
    "postgres".to_owned()
}

fn connections() -> u32 {
    CONNECTIONS
}
