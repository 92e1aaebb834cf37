//! Clients of PostgreSQL, and the roles that they use.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::{Login, Server, Session};

mod scene;

pub use scene::{MadeUp, Scene};

/// A database on this machine.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The database's name.
    pub name: String,
}

impl Database {
    /// How to log in with that role.
    pub fn options(&self, username: &str, password: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .database(&self.name)
            .username(username)
            .password(password)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging()
    }

    /// Runs statements as the superuser of a test server.
    ///
    /// # Panics
    /// Where one fails.
    pub async fn run(&self, superuser: (&str, &str), statements: &[&str]) {
        let mut connection = self
            .options(superuser.0, superuser.1)
            .connect()
            .await
            .expect("the superuser logs in");
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(*statement))
                .execute(&mut connection)
                .await
                .expect("the statement is right");
        }
        connection.close().await.expect("nothing is under way");
    }

    /// The names of all roles that can log in, but for the superuser.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub async fn logins(&self, superuser: (&str, &str)) -> Vec<String> {
        let mut connection = self
            .options(superuser.0, superuser.1)
            .connect()
            .await
            .expect("the superuser logs in");
        let logins = "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND NOT rolsuper ORDER BY 1";
        sqlx::query_scalar(logins)
            .fetch_all(&mut connection)
            .await
            .expect("the catalogue can be read")
    }
}

#[async_trait]
impl Server for Database {
    async fn connect(&self, login: &Login) -> Result<Box<dyn Session>, String> {
        let options = self.options(&login.username, &login.password);
        let connected = super::clients::within(Duration::from_secs(20), options.connect()).await?;
        let connection = connected.map_err(|error| format!("{} could not log in: {error}", login.username))?;
        Ok(Box::new(Connected(connection)))
    }
}

struct Connected(PgConnection);

#[async_trait]
impl Session for Connected {
    /// What an application does: it reads and writes a table that its role owns.
    async fn operate(&mut self) -> Result<(), String> {
        let query = sqlx::query_scalar::<_, i32>("SELECT count(*)::int FROM app_items").persistent(false);
        let count = query.fetch_one(&mut self.0).await;
        count.map(drop).map_err(|error| format!("an operation failed: {error}"))
    }

    async fn close(self: Box<Self>) {
        // The server may be gone.
        let _ = self.0.close().await;
    }
}
