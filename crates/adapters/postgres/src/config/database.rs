//! What an operator writes about the shared journal.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};
use serde::Deserialize;

use super::Tls;

/// Where the shared journal is. The role's password is not here: it comes from a [`SecretSource`].
///
/// [`SecretSource`]: keywheel_domain::ports::SecretSource
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The host's name or address, or the folder of a Unix socket. The server itself and no pooler: what is set for a session has to
    /// hold for all of it.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// The database. Its encoding has to be UTF-8.
    pub database: String,
    /// The role that Keywheel logs in as.
    pub user: String,
    /// The schema of Keywheel's tables, of lower-case letters, digits and `_`.
    #[serde(default = "schema")]
    pub schema: String,
    /// How the connections are protected. `verify_full` unless said otherwise.
    #[serde(default)]
    pub tls: Tls,
    /// The authority that signed the server's certificate, as PEM. Without it: those that the web trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Accepts that the server is on another machine and not verified: who is between reads the journal, and can be the server.
    #[serde(default)]
    pub allow_insecure: bool,
    /// Connections for reading that may be open at the same time. Writing takes up to six more, however much is written.
    #[serde(default = "max_readers")]
    pub max_readers: usize,
    /// How long a new connection may take, and for how long a server that is starting is waited for.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: SignedDuration,
    /// How long a write may take before its connection counts as dead. A read may take ten times as long.
    #[serde(default = "statement_timeout")]
    pub statement_timeout: SignedDuration,
}

impl DatabaseConfig {
    /// One with the usual numbers.
    pub fn new(host: &str, port: u16, database: &str, user: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
            user: user.to_owned(),
            schema: schema(),
            tls: Tls::default(),
            ca_file: None,
            allow_insecure: false,
            max_readers: max_readers(),
            connect_timeout: connect_timeout(),
            statement_timeout: statement_timeout(),
        }
    }

    /// The same with the path in it counted from `folder`.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        self.ca_file = self.ca_file.map(|file| folder.join(file));
        self
    }

    /// The server and the database, as messages name them.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }

    /// Whether a connection could be made by this.
    ///
    /// # Errors
    /// `Invalid`, with what to write instead.
    pub fn check(&self) -> Result<(), PortError> {
        let invalid = |message: String| Err(PortError::permanent(ErrorKind::Invalid, message));
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts_well = self.schema.starts_with(|c: char| c.is_ascii_lowercase()) && !self.schema.starts_with("pg_");
        if !starts_well || self.schema.len() > 63 || !self.schema.chars().all(legal) {
            return invalid(format!(
                "{:?} cannot be the journal's schema; choose a name of lower-case letters, digits and `_`, such as `keywheel`",
                self.schema
            ));
        }
        if !self.is_private() && !self.allow_insecure {
            return invalid(format!(
                "the journal at {} is on another machine, and who is between could read it; say `tls = \"verify_full\"`, with a `ca_file` where the server's authority is your own, or accept it with `allow_insecure = true`",
                self.place()
            ));
        }
        let times = [self.connect_timeout, self.statement_timeout];
        if self.max_readers == 0 || times.iter().any(|time| !time.is_positive()) {
            return invalid(
                "the journal's `max_readers`, `connect_timeout` and `statement_timeout` cannot be 0".to_owned(),
            );
        }
        Ok(())
    }

    /// Whether whoever listens between here and there learns nothing.
    pub(crate) fn is_private(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        let is_here = self.host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        self.tls == Tls::VerifyFull || self.host.starts_with('/') || is_here
    }
}

fn port() -> u16 {
    5432
}

fn schema() -> String {
    "keywheel".to_owned()
}

fn max_readers() -> usize {
    4
}

fn connect_timeout() -> SignedDuration {
    SignedDuration::from_secs(5)
}

fn statement_timeout() -> SignedDuration {
    SignedDuration::from_secs(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabaseConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn refusal(config: &DatabaseConfig) -> String {
        config.check().unwrap_err().message().to_owned()
    }

    #[test]
    fn four_fields_are_enough() {
        let read = read(r#"{"host":"db.internal","database":"keywheel","user":"keywheel"}"#).unwrap();
        assert_eq!(read, DatabaseConfig::new("db.internal", 5432, "keywheel", "keywheel"));
        read.check().unwrap();
    }

    #[test]
    fn lengths_are_text_and_unknown_fields_are_refused() {
        let config = read(r#"{"host":"d","database":"k","user":"k","statement_timeout":"2 min"}"#).unwrap();
        assert_eq!(config.statement_timeout, SignedDuration::from_mins(2));
        for bad in [r#""statement_timeout":5"#, r#""password":"x""#, r#""tls":"off""#] {
            assert!(
                read(&format!(r#"{{"host":"d","database":"k","user":"k",{bad}}}"#)).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_schema_has_a_plain_name() {
        let named = |schema: &str| DatabaseConfig {
            schema: schema.to_owned(),
            ..DatabaseConfig::new("localhost", 5432, "k", "k")
        };
        for good in ["keywheel", "kw_2"] {
            named(good).check().unwrap();
        }
        for bad in [
            "",
            "Keywheel",
            "key wheel",
            "k\"w",
            "2k",
            "pg_kw",
            "_k",
            &"k".repeat(64),
        ] {
            assert!(refusal(&named(bad)).contains("cannot be the journal's schema"), "{bad}");
        }
    }

    #[test]
    fn a_server_on_another_machine_is_verified_unless_that_is_waived() {
        let on = |host: &str, tls| DatabaseConfig {
            tls,
            ..DatabaseConfig::new(host, 5432, "k", "k")
        };
        for here in ["localhost", "127.0.0.1", "::1", "/run/postgresql"] {
            on(here, Tls::Disable).check().unwrap();
        }
        for there in ["db.internal", "10.0.0.7", "localhost.example.com"] {
            on(there, Tls::VerifyFull).check().unwrap();
            for tls in [Tls::Disable, Tls::Require] {
                let mut config = on(there, tls);
                assert!(refusal(&config).contains("is on another machine"), "{there}");
                config.allow_insecure = true;
                config.check().unwrap();
            }
        }
    }

    #[test]
    fn the_authority_counts_from_the_folder_of_the_configuration() {
        let config = read(r#"{"host":"d","database":"k","user":"k","ca_file":"ca.pem"}"#).unwrap();
        let config = config.relative_to(Path::new("/etc/keywheel"));
        assert_eq!(config.ca_file.as_deref(), Some(Path::new("/etc/keywheel/ca.pem")));
    }
}
