//! Roles that may not do what they should, and how the errors help.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{AuditLog, ErrorKind, Journal, MaterialStore, PortError, SecretSource};
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_testkit::sample;
use zeroize::Zeroizing;

use super::{Place, begin, open, password};

const ROLE: &str = "Key \"wheel";

/// The journal as a role of that name sees it, which has no right at all.
async fn as_role(place: &Place) -> DatabaseConfig {
    place
        .server
        .sql("CREATE ROLE \"Key \"\"wheel\" LOGIN PASSWORD 'secret'")
        .await;
    DatabaseConfig {
        user: ROLE.to_owned(),
        ..place.next()
    }
}

async fn open_as(config: &DatabaseConfig) -> Result<Arc<Database>, PortError> {
    Database::open(config, Some(password("secret"))).await
}

/// Runs the statements that the error names.
async fn follow(place: &Place, error: &PortError) {
    assert_eq!(error.kind, ErrorKind::Forbidden, "{}", error.chain());
    let (_, statements) = error.message().split_once(": ").unwrap();
    for statement in statements.split_terminator(';') {
        place.server.sql(statement).await;
    }
}

/// Everything that a driver does.
async fn use_it(database: &Database) -> Result<(), PortError> {
    let (lease, mut walk) = begin(database, 1).await;
    while let Some(append) = walk.next(&lease) {
        super::append(database, &append).await?;
    }
    database.release(&lease, None).await?;
    database.put(&sample::version_id(1), &sample::sealed(1)).await?;
    database.put(&sample::version_id(1), &sample::sealed(1)).await?;
    database.destroy(&sample::version_id(1)).await?;
    let event = sample::audit_event(&lease.rotation, keywheel_domain::audit::AuditPhase::Begin);
    AuditLog::append(database, &event).await?;
    assert_eq!(AuditLog::read(database).await?.len(), 1);
    assert_eq!(database.due(sample::start(), 9).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_role_without_a_schema_is_told_how_to_get_one() {
    let place = Place::start().await;
    let config = as_role(&place).await;
    follow(&place, &open_as(&config).await.unwrap_err()).await;
    let database = open_as(&config).await.unwrap();
    use_it(&database).await.unwrap();
    assert_eq!(database.findings().await.unwrap().len(), 2, "it is no superuser");
}

#[tokio::test]
async fn a_role_may_be_given_an_empty_schema() {
    let place = Place::start().await;
    let config = as_role(&place).await;
    place.server.sql(&format!("CREATE SCHEMA {}", config.schema)).await;
    follow(&place, &open_as(&config).await.unwrap_err()).await;
    use_it(&open_as(&config).await.unwrap()).await.unwrap();
}

/// The owner made the tables; whoever writes them every day may do no more than that.
#[tokio::test]
async fn a_role_that_owns_nothing_is_told_what_it_lacks_and_can_do_everything_with_it() {
    let place = Place::start().await;
    let config = as_role(&place).await;
    open(&DatabaseConfig {
        user: "postgres".to_owned(),
        ..config.clone()
    })
    .await;
    follow(&place, &open_as(&config).await.unwrap_err()).await;
    let database = open_as(&config).await.unwrap();
    use_it(&database).await.unwrap();

    let revoke = format!(
        "REVOKE INSERT ON {}.audit_records FROM \"Key \"\"wheel\"",
        config.schema
    );
    place.server.sql(&revoke).await;
    let event = sample::audit_event(&sample::rotation_id(9), keywheel_domain::audit::AuditPhase::Begin);
    let at_run_time = AuditLog::append(&*database, &event).await.unwrap_err();
    let at_start = open_as(&config).await.unwrap_err();
    let grant = format!("GRANT INSERT ON {}.audit_records TO \"Key \"\"wheel\";", config.schema);
    assert!(at_start.message().ends_with(&grant), "{at_start}");
    follow(&place, &at_run_time).await;
    AuditLog::append(&*database, &event).await.unwrap();
}

#[tokio::test]
async fn a_login_that_is_refused_and_a_database_that_is_not_there_are_named() {
    let place = Place::start().await;
    let config = as_role(&place).await;
    let error = Database::open(&config, Some(password("guess"))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message().contains("Key \"wheel"), "{error}");
    assert!(!error.chain().contains("guess"), "{}", error.chain());
    let elsewhere = DatabaseConfig {
        database: "nowhere".to_owned(),
        ..config
    };
    let error = open_as(&elsewhere).await.unwrap_err();
    assert!(error.chain().contains("nowhere"), "{}", error.chain());
    assert_eq!(error.kind, ErrorKind::Invalid);
}

/// A password that changes under a running process.
#[derive(Debug)]
struct Rotated(Mutex<&'static str>);

#[async_trait]
impl SecretSource for Rotated {
    async fn read(&self) -> Result<Secret, PortError> {
        let bytes = self.0.lock().unwrap().as_bytes().to_vec();
        Ok(Secret::new(Zeroizing::new(bytes)))
    }
}

#[tokio::test]
async fn the_journals_own_password_can_be_rotated_under_a_running_process() {
    let place = Place::start().await;
    let config = as_role(&place).await;
    place
        .server
        .sql(&format!(
            "CREATE SCHEMA {} AUTHORIZATION \"Key \"\"wheel\"",
            config.schema
        ))
        .await;
    let source = Arc::new(Rotated(Mutex::new("secret")));
    let database = Database::open(&config, Some(Arc::clone(&source) as Arc<dyn SecretSource>))
        .await
        .unwrap();
    place.server.sql("ALTER ROLE \"Key \"\"wheel\" PASSWORD 'next'").await;
    let error = PortError::from(database.credentials().await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Forbidden);
    *source.0.lock().unwrap() = "next";
    use_it(&database).await.unwrap();
}
