//! An application's role with a table, and a role of Keywheel's own that is no superuser.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{PortError, SecretSource};
use keywheel_local::{OsEntropy, SystemClock};
use keywheel_postgres::{Admin, PostgresConfig, PostgresIssuer};
use keywheel_testkit::containers::Postgres;
use serde_json::json;
use sqlx::{ConnectOptions, PgConnection};
use zeroize::Zeroizing;

use super::Database;
use crate::live::Server;

const ROLE: &str = "goimg";
const FIRST_PASSWORD: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "keywheel";
const ROTATOR_PASSWORD: &str = "the-password-of-the-hand-that-rotates";

/// A secret that a test made up.
#[derive(Debug)]
pub struct MadeUp(Secret);

impl MadeUp {
    /// A source of that secret.
    pub fn source(secret: &str) -> Arc<dyn SecretSource> {
        Arc::new(Self(Secret::new(Zeroizing::new(secret.as_bytes().to_vec()))))
    }
}

#[async_trait]
impl SecretSource for MadeUp {
    async fn read(&self) -> Result<Secret, PortError> {
        Ok(self.0.clone())
    }
}

/// A server with an application's role on it.
#[derive(Debug)]
pub struct Scene {
    database: Database,
    kind: &'static str,
}

impl Scene {
    /// Makes the roles and the table.
    pub async fn make(server: &Postgres, kind: &'static str) -> Self {
        let database = Database {
            port: server.port(),
            name: "postgres".to_owned(),
        };
        let scene = Self { database, kind };
        scene
            .run(&[
                &format!("CREATE ROLE {ROTATOR} LOGIN CREATEROLE PASSWORD '{ROTATOR_PASSWORD}'"),
                &format!("GRANT pg_signal_backend TO {ROTATOR}"),
                &format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{FIRST_PASSWORD}'"),
                &format!("GRANT CREATE ON SCHEMA public TO {ROLE}"),
                &format!("SET ROLE {ROLE}; CREATE TABLE app_items (id int); INSERT INTO app_items SELECT generate_series(1, 9)"),
            ])
            .await;
        scene
    }

    /// What clients log in to.
    pub fn server(&self) -> Arc<dyn Server> {
        Arc::new(self.database.clone())
    }

    /// The application's login as it was before Keywheel came.
    pub fn login(&self) -> (&'static str, &'static str) {
        (ROLE, FIRST_PASSWORD)
    }

    /// An issuer for the role.
    pub fn issuer(&self) -> PostgresIssuer {
        self.issuer_with(self.database.port, "10s")
    }

    /// An impatient one at another port, where something stands between.
    pub fn issuer_at(&self, port: u16) -> PostgresIssuer {
        self.issuer_with(port, "2s")
    }

    fn issuer_with(&self, port: u16, timeout: &str) -> PostgresIssuer {
        let config: PostgresConfig = serde_json::from_value(json!({
            "kind": self.kind,
            "role": ROLE,
            "admin": { "host": "127.0.0.1", "port": port, "user": ROTATOR, "database": self.database.name, "tls": "disable" },
            "check": "SELECT count(*) FROM app_items",
            "connect_timeout": timeout,
            "statement_timeout": timeout,
        }))
        .expect("the configuration is right");
        let admin = Admin::new(
            &config.admin,
            Some(MadeUp::source(ROTATOR_PASSWORD)),
            Arc::new(SystemClock),
        );
        let admin = admin.expect("the configuration is right");
        PostgresIssuer::new(config, admin, Arc::new(OsEntropy)).expect("the configuration is right")
    }

    /// The roles that can log in, but for the superuser.
    pub async fn logins(&self) -> Vec<String> {
        self.database.logins(Self::superuser()).await
    }

    /// Runs statements as the superuser.
    pub async fn run(&self, statements: &[&str]) {
        self.database.run(Self::superuser(), statements).await;
    }

    /// A session of the application's first login that stays open, under that name.
    pub async fn linger(&self, application: &str) -> PgConnection {
        let options = self
            .database
            .options(ROLE, FIRST_PASSWORD)
            .application_name(application);
        options.connect().await.expect("the first login works")
    }

    fn superuser() -> (&'static str, &'static str) {
        ("postgres", Postgres::PASSWORD)
    }
}
