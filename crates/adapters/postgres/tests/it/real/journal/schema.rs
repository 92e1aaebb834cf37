//! Schemas and servers that are not what they should be.

use std::sync::Arc;

use keywheel_domain::audit::AuditPhase;
use keywheel_domain::ports::{AuditLog, Effect, ErrorKind, Journal, MaterialStore, PortError};
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_testkit::containers::Postgres;
use keywheel_testkit::sample;

use super::{Place, begin, config, meddle, open, open_existing, password};

/// A journal with something in every table.
async fn filled(place: &Place) -> (DatabaseConfig, Arc<Database>) {
    let config = place.next();
    let database = open(&config).await;
    let (lease, _) = begin(&database, 1).await;
    database.put(&sample::version_id(1), &sample::sealed(1)).await.unwrap();
    let event = sample::audit_event(&lease.rotation, AuditPhase::Begin);
    AuditLog::append(&*database, &event).await.unwrap();
    (config, database)
}

/// Everything that stands in the catalogs and tables of a schema.
async fn dump(place: &Place, schema: &str) -> String {
    let dump = ["pg_dump", "--schema", schema, "--dbname", Postgres::DATABASE];
    let dump = place.server.execute(&dump).await;
    // It has a new random word in each.
    let lines = dump.lines().filter(|line| !line.contains("restrict"));
    lines.collect::<Vec<_>>().join("\n")
}

async fn refusal(config: &DatabaseConfig) -> PortError {
    let error = Database::open(config, Some(password(Postgres::PASSWORD)))
        .await
        .unwrap_err();
    assert_eq!(error.effect, Effect::None);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_make_the_schema_at_the_same_time() {
    let place = Place::start().await;
    let config = place.next();
    let opens = (0..8).map(|number| {
        let config = config.clone();
        tokio::spawn(async move {
            let database = open(&config).await;
            let id = sample::version_id(number);
            database.put(&id, &sample::sealed(1)).await.unwrap();
            database
        })
    });
    let mut open = Vec::new();
    for task in opens.collect::<Vec<_>>() {
        open.push(task.await.unwrap());
    }
    for number in 0..8 {
        assert!(open[0].get(&sample::version_id(number)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_missing_journal_is_not_made_where_one_is_expected() {
    let place = Place::start().await;
    let config = place.next();
    let error = open_existing(&config).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message().contains("keywheel init"), "{error}");
    let schemas = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{}'", config.schema);
    assert_eq!(place.server.sql(&schemas).await, "0");
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_refused_and_untouched() {
    let place = Place::start().await;
    let (config, _) = filled(&place).await;
    let mut meddler = place.meddler(&config.schema).await;
    let newer = "
        CREATE TABLE later (x int);
        INSERT INTO _sqlx_migrations VALUES (99, 'later', now(), TRUE, '\\x00', 1)";
    meddle(&mut meddler, newer).await.unwrap();
    let before = dump(&place, &config.schema).await;
    let error = refusal(&config).await;
    assert_eq!(error.kind, ErrorKind::Storage);
    let words = "was written by a newer version of Keywheel (schema 99, this one knows 1)";
    assert!(error.message().contains(words), "{error}");
    assert_eq!(open_existing(&config).await.unwrap_err().message(), error.message());
    assert_eq!(dump(&place, &config.schema).await, before);
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_refused_and_untouched() {
    let place = Place::start().await;
    for theirs in [
        "CREATE TABLE theirs (x int)",
        "CREATE TABLE _sqlx_migrations (version bigint, checksum bytea); INSERT INTO _sqlx_migrations VALUES (1, '\\x00')",
    ] {
        let config = place.next();
        let mut meddler = place.meddler(&config.schema).await;
        meddle(&mut meddler, &format!("CREATE SCHEMA {}; {theirs}", config.schema))
            .await
            .unwrap();
        let before = dump(&place, &config.schema).await;
        let error = refusal(&config).await;
        assert_eq!(error.kind, ErrorKind::Storage);
        assert!(error.message().contains("choose another"), "{error}");
        assert_eq!(dump(&place, &config.schema).await, before);
    }
}

#[tokio::test]
async fn what_was_written_is_neither_changed_nor_deleted() {
    let place = Place::start().await;
    let (config, _) = filled(&place).await;
    let mut meddler = place.meddler(&config.schema).await;
    for statement in [
        "UPDATE entries SET record = ''",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "INSERT INTO entries SELECT * FROM entries ON CONFLICT (rotation, sequence) DO UPDATE SET record = ''",
        "UPDATE credentials SET active = NULL; DELETE FROM rotations",
        "TRUNCATE rotations CASCADE",
        "UPDATE audit_records SET body = ''",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "UPDATE materials SET ciphertext = ''",
        "TRUNCATE materials",
        "SET session_replication_role = replica; DELETE FROM entries",
    ] {
        let error = meddle(&mut meddler, statement).await.unwrap_err().to_string();
        assert!(
            error.contains("append-only") || error.contains("never replaced"),
            "{statement}: {error}"
        );
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named() {
    let place = Place::start().await;
    let (config, database) = filled(&place).await;
    let mut meddler = place.meddler(&config.schema).await;
    let damage = "
        ALTER TABLE entries DISABLE TRIGGER entries_stay;
        UPDATE entries SET record = replace(record, '\"v\":1', '\"v\":7')";
    meddle(&mut meddler, damage).await.unwrap();
    let error = PortError::from(database.load(&sample::rotation_id(1)).await.unwrap_err());
    let what = format!("entry 1 of rotation {}", sample::rotation_id(1));
    assert!(error.message().contains(&what), "{error}");
    assert!(error.chain().contains("version 7, which is newer"), "{}", error.chain());
}

#[tokio::test]
async fn a_standby_is_no_journal() {
    let place = Place::start().await;
    let (primary, _) = filled(&place).await;
    let replica = Postgres::replica_of(&place.server, &[]).await;
    let error = refusal(&config(replica.port(), &primary.schema)).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message().contains("is a standby"), "{error}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let place = Place::start().await;
    place
        .server
        .sql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        .await;
    let mut config = place.next();
    config.database = "latin".to_owned();
    let error = refusal(&config).await;
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message().contains("keeps text as LATIN1"), "{error}");
    assert!(error.message().contains("ENCODING 'UTF8'"), "{error}");
}

/// The tests' servers do not sync. A company's journal has to.
#[tokio::test]
async fn a_server_that_would_forget_is_a_finding() {
    let place = Place::start().await;
    let findings = place.fresh().await.findings().await.unwrap();
    let details: Vec<_> = findings.iter().map(|finding| finding.detail.as_str()).collect();
    assert_eq!(details.len(), 3, "{details:?}");
    assert!(details[0].contains("fsync off"), "{details:?}");
    assert!(details[1].contains("full_page_writes off"), "{details:?}");
    assert!(details[2].contains("superuser"), "{details:?}");
}
