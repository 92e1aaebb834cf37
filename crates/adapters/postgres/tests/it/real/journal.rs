//! The shared journal: the contract suites, connections and servers that break, processes that race and die, and schemas that are
//! not what they should be.

mod broken;
mod contract;
mod crash;
mod due;
mod group;
mod pooler;
mod race;
mod rights;
mod schema;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;
use keywheel_domain::id::RotationId;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Append, Journal, JournalError, Lease, PortError, SecretSource};
use keywheel_postgres::config::Tls;
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_testkit::containers::Postgres;
use keywheel_testkit::sample::{self, Walk};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use zeroize::Zeroizing;

/// A server, and schemas that nobody used yet.
struct Place {
    server: Postgres,
    next: AtomicU64,
}

impl Place {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self {
            server: Postgres::start_with(settings).await,
            next: AtomicU64::new(0),
        }
    }

    /// A schema that is not there yet.
    fn next(&self) -> DatabaseConfig {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        config(self.server.port(), &format!("journal_{number}"))
    }

    async fn fresh(&self) -> Arc<Database> {
        open(&self.next()).await
    }

    /// A connection behind the back of Keywheel.
    async fn meddler(&self, schema: &str) -> PgConnection {
        meddler(self.server.port(), schema).await
    }
}

fn config(port: u16, schema: &str) -> DatabaseConfig {
    DatabaseConfig {
        schema: schema.to_owned(),
        tls: Tls::Disable,
        // Tests that wait for it do not wait long.
        statement_timeout: SignedDuration::from_secs(5),
        ..DatabaseConfig::new("127.0.0.1", port, Postgres::DATABASE, Postgres::USER)
    }
}

async fn open(config: &DatabaseConfig) -> Arc<Database> {
    Database::open(config, Some(password(Postgres::PASSWORD)))
        .await
        .unwrap()
}

async fn open_existing(config: &DatabaseConfig) -> Result<Arc<Database>, PortError> {
    Database::open_existing(config, Some(password(Postgres::PASSWORD))).await
}

async fn meddler(port: u16, schema: &str) -> PgConnection {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(Postgres::USER)
        .password(Postgres::PASSWORD)
        .database(Postgres::DATABASE)
        .options([("search_path", schema)]);
    options.disable_statement_logging().connect().await.unwrap()
}

/// Runs statements behind the back of Keywheel.
async fn meddle(connection: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(connection).await.map(|_| ())
}

/// A password that stands in the test.
#[derive(Debug)]
struct Told(String);

fn password(text: &str) -> Arc<dyn SecretSource> {
    Arc::new(Told(text.to_owned()))
}

#[async_trait]
impl SecretSource for Told {
    async fn read(&self) -> Result<Secret, PortError> {
        Ok(Secret::new(Zeroizing::new(self.0.clone().into_bytes())))
    }
}

/// A rotation of a credential of its own, with its lease.
async fn begin(database: &Database, number: u64) -> (Lease, Walk) {
    let credential = sample::named(format!("company/{number}").parse().unwrap());
    database.adopt(&credential).await.unwrap();
    let new = sample::opening(&credential, &sample::rotation_id(number), sample::start());
    let ttl = SignedDuration::from_mins(1);
    let lease = database.open(&new, &sample::driver("one"), sample::start(), ttl).await;
    (lease.unwrap(), Walk::new(&new))
}

/// What a driver appends, and not what an auditor does.
async fn append(database: &Database, append: &Append) -> Result<(), JournalError> {
    Journal::append(database, append).await
}

/// How many entries a rotation has.
async fn length(database: &Database, rotation: &RotationId) -> usize {
    database.load(rotation).await.unwrap().len()
}
