//! A company with a database: a rotator, an application's role that was there before, and clients.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{Clock, Issuer, PortError, SecretSource, VersionMaterial};
use keywheel_postgres::{Admin, PostgresConfig, PostgresIssuer};
use keywheel_testkit::containers::Postgres;
use keywheel_testkit::fake::entropy::FakeEntropy;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use zeroize::Zeroizing;

pub(super) const ROTATOR: &str = "keywheel";
const ROTATORS_PASSWORD: &str = "the-rotators-own-password";
pub(super) const OWNER: &str = "goimg";
pub(super) const OLD_PASSWORD: &str = "the-password-that-was-there-before";

/// Real time: real servers live in no other.
#[derive(Debug)]
pub(super) struct RealClock;

#[async_trait]
impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }

    #[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
    async fn sleep(&self, time: SignedDuration) {
        tokio::time::sleep(time.unsigned_abs()).await;
    }
}

pub(super) async fn pause(milliseconds: i64) {
    RealClock.sleep(SignedDuration::from_millis(milliseconds)).await;
}

#[derive(Debug)]
struct Fixed;

#[async_trait]
impl SecretSource for Fixed {
    async fn read(&self) -> Result<Secret, PortError> {
        Ok(secret(ROTATORS_PASSWORD))
    }
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A server with a rotator of the rights that the README names, and the application's role `goimg` with a table.
pub(super) async fn company() -> Postgres {
    let server = Postgres::start().await;
    set_up(&server).await;
    server
}

pub(super) async fn set_up(server: &Postgres) {
    let statements = [
        rights().replace("'...'", &format!("'{ROTATORS_PASSWORD}'")),
        format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{OLD_PASSWORD}'"),
        format!("CREATE TABLE photos (id int); ALTER TABLE photos OWNER TO {OWNER}"),
    ];
    server.sql(&statements.join("; ")).await;
}

/// What the README gives to the rotator, word for word.
fn rights() -> &'static str {
    let readme = include_str!("../../../../README.md");
    let begun = readme.split_once("```sql\n").expect("the README has the statements").1;
    begun
        .split_once("```")
        .expect("and their end")
        .0
        .trim_end()
        .trim_end_matches(';')
}

/// A configuration for the server at that port, with fields more; `null` takes one away.
pub(super) fn config(port: u16, more: Value) -> PostgresConfig {
    let mut all = json!({
        "role": OWNER,
        "admin": { "host": "127.0.0.1", "port": port, "user": ROTATOR, "tls": "disable" },
        "check": "SELECT count(*) FROM photos",
        "connect_timeout": "3s",
        "statement_timeout": "3s",
    });
    merge(&mut all, more);
    serde_json::from_value(all).expect("the test's configuration is right")
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("fields") };
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(_)), value @ Value::Object(_)) => merge(&mut into[&key], value),
            (_, value) => drop(into.as_object_mut().unwrap().insert(key, value)),
        }
    }
}

pub(super) fn issuer(port: u16, more: Value) -> PostgresIssuer {
    issuer_of(config(port, more))
}

pub(super) fn issuer_of(config: PostgresConfig) -> PostgresIssuer {
    let admin = admin_of(&config);
    issuer_by(config, &admin)
}

/// What issuers share: to log the rotator in takes a while where nothing is optimised.
pub(super) fn admin_of(config: &PostgresConfig) -> Arc<Admin> {
    Admin::new(&config.admin, Some(Arc::new(Fixed)), Arc::new(RealClock)).unwrap()
}

pub(super) fn issuer_by(config: PostgresConfig, admin: &Arc<Admin>) -> PostgresIssuer {
    PostgresIssuer::new(config, Arc::clone(admin), Arc::new(FakeEntropy::seeded(1))).unwrap()
}

fn id(number: u64) -> VersionId {
    VersionId {
        credential: "goimg/postgres".parse().unwrap(),
        number: VersionNumber(number),
    }
}

/// A version with that name and password, as somebody would adopt it.
pub(super) fn version(number: u64, username: &str, password: &str) -> VersionMaterial {
    VersionMaterial {
        id: id(number),
        material: Material::single("username", secret(username)).with("password", secret(password)),
        attributes: [("username".to_owned(), username.to_owned())].into(),
    }
}

/// What was there before: version 1.
pub(super) fn adopted() -> VersionMaterial {
    version(1, OWNER, OLD_PASSWORD)
}

/// The version after `current`, as the driver makes it. Not staged yet.
pub(super) async fn next(issuer: &dyn Issuer, current: &VersionMaterial) -> VersionMaterial {
    let id = id(current.id.number.0 + 1);
    let entropy = FakeEntropy::seeded(id.number.0);
    let material = issuer.generate(&id, Some(&current.attributes), &entropy).await.unwrap();
    VersionMaterial {
        attributes: issuer.describe(&material).unwrap(),
        id,
        material,
    }
}

/// The version after `current`, staged and proved.
pub(super) async fn staged(issuer: &dyn Issuer, current: &VersionMaterial) -> VersionMaterial {
    let new = next(issuer, current).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    new
}

pub(super) fn username(version: &VersionMaterial) -> &str {
    &version.attributes["username"]
}

fn password(version: &VersionMaterial) -> &str {
    version.material.get("password").unwrap().expose_text().unwrap()
}

/// Logs in as an application would.
pub(super) async fn connect(
    port: u16,
    version: &VersionMaterial,
    application: &str,
) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(username(version))
        .password(password(version))
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
        .application_name(application);
    options.connect().await
}

/// Runs a statement as whoever is connected.
pub(super) async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
}

/// The superuser.
pub(super) async fn root(server: &Postgres) -> PgConnection {
    PgConnection::connect(&server.url("postgres")).await.unwrap()
}
