//! One place where a server answers, and how it is reached.

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::{AdminConfig, EndpointConfig, Tls};

/// One place where a server answers, with the database to use there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) tls: Tls,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Endpoint {
    /// Where the rotator connects.
    pub(crate) fn of_admin(config: &AdminConfig) -> Self {
        Self {
            host: config.host.clone(),
            port: config.port,
            database: config.database.clone(),
            tls: config.tls,
            ca_file: config.ca_file.clone(),
        }
    }

    /// A further place; `database` is what consumers use at the primary.
    pub(crate) fn further(config: &EndpointConfig, database: &str) -> Self {
        Self {
            host: config.host.clone(),
            port: config.port,
            database: config.database.clone().unwrap_or_else(|| database.to_owned()),
            tls: config.tls,
            ca_file: config.ca_file.clone(),
        }
    }

    /// The same place with another database.
    pub(crate) fn with_database(&self, database: &str) -> Self {
        Self {
            database: database.to_owned(),
            ..self.clone()
        }
    }

    /// The socket's path, where it is one.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        let folder = Path::new(&self.host);
        let is_socket = self.host.starts_with('/');
        is_socket.then(|| folder.join(format!(".s.PGSQL.{}", self.port)))
    }

    /// Whether whoever listens between here and there learns nothing.
    pub(crate) fn is_private(&self) -> bool {
        self.tls == Tls::VerifyFull || self.is_on_this_machine()
    }

    pub(crate) fn is_on_this_machine(&self) -> bool {
        let loopback = self
            .host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        self.host.starts_with('/') || self.host == "localhost" || loopback
    }

    /// How the rotator connects. Statements are not logged: verifiers stand in them. The password is always set, so that none
    /// is taken from the environment or from a file of libpq's.
    pub(crate) fn options(&self, user: &str, password: Option<&str>) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(user)
            .password(password.unwrap_or_default())
            .database(&self.database)
            .application_name("keywheel")
            .ssl_mode(match self.tls {
                Tls::VerifyFull => PgSslMode::VerifyFull,
                Tls::Require => PgSslMode::Require,
                Tls::Disable => PgSslMode::Disable,
            })
            .disable_statement_logging();
        match &self.ca_file {
            Some(file) => options.ssl_root_cert(file),
            None => options,
        }
    }
}

/// For people: `db.internal:5432`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, tls: Tls) -> Endpoint {
        Endpoint {
            host: host.to_owned(),
            port: 5432,
            database: "app".to_owned(),
            tls,
            ca_file: None,
        }
    }

    #[test]
    fn an_address_is_shown_as_people_write_it() {
        assert_eq!(at("db.internal", Tls::VerifyFull).to_string(), "db.internal:5432");
        assert_eq!(at("::1", Tls::Disable).to_string(), "[::1]:5432");
    }

    #[test]
    fn a_folder_is_a_socket() {
        let socket = at("/run/postgresql", Tls::Disable);
        assert_eq!(socket.socket(), Some("/run/postgresql/.s.PGSQL.5432".into()));
        assert_eq!(at("db", Tls::Disable).socket(), None);
        assert!(socket.is_private());
    }

    #[test]
    fn what_is_not_verified_is_not_private() {
        assert!(at("db", Tls::VerifyFull).is_private());
        assert!(at("127.0.0.1", Tls::Disable).is_private());
        assert!(!at("db", Tls::Require).is_private());
        assert!(!at("db", Tls::Disable).is_private());
    }
}
