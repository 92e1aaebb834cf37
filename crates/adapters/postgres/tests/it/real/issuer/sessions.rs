//! Who is connected, and the end of it.

use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::ports::{Issuer, Usage, VersionMaterial};
use keywheel_postgres::PostgresIssuer;
use serde_json::json;
use sqlx::Connection;

use super::company::{ROTATOR, adopted, company, connect, issuer, pause, run, staged};

async fn using(issuer: &PostgresIssuer, version: &VersionMaterial) -> Vec<Evidence> {
    match issuer.usage(version, Timestamp::UNIX_EPOCH).await.unwrap() {
        Usage::InUse(facts) => facts,
        Usage::Unused(_) | Usage::Untold => Vec::new(),
    }
}

#[tokio::test]
async fn a_session_that_stays_open_is_named_until_it_closes() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let new = staged(&issuer, &adopted()).await;
    assert_eq!(using(&issuer, &new).await, [], "a proof leaves no session behind");
    let old = connect(server.port(), &adopted(), "goimg-worker").await.unwrap();
    let newer = connect(server.port(), &new, "goimg-api").await.unwrap();
    let facts = using(&issuer, &adopted()).await;
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert!(
        facts[0]
            .detail
            .starts_with("1 session of goimg-worker from 127.0.0.1, the oldest since 20"),
        "{facts:?}"
    );
    old.close().await.unwrap();
    pause(50).await;
    assert_eq!(using(&issuer, &adopted()).await, []);
    drop(newer);
}

#[tokio::test]
async fn without_the_right_to_see_it_the_address_is_said_to_be_hidden() {
    let server = company().await;
    server.sql(&format!("REVOKE pg_read_all_stats FROM {ROTATOR}")).await;
    let issuer = issuer(server.port(), json!({}));
    let _old = connect(server.port(), &adopted(), "goimg-worker").await.unwrap();
    let facts = using(&issuer, &adopted()).await;
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert!(
        facts[0].detail.contains("goimg-worker") && facts[0].detail.contains("pg_read_all_stats"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn sessions_go_on_after_a_suspension_unless_the_policy_ends_them() {
    let server = company().await;
    let gentle = issuer(server.port(), json!({}));
    let mut session = connect(server.port(), &adopted(), "goimg-worker").await.unwrap();
    gentle.suspend(&adopted()).await.unwrap();
    run(&mut session, "SELECT 1").await.unwrap();
    assert!(connect(server.port(), &adopted(), "goimg-worker").await.is_err());
    let strict = issuer(server.port(), json!({ "terminate_sessions": true }));
    let told = strict.suspend(&adopted()).await.unwrap().detail;
    assert!(
        told.contains("its 1 sessions at 127.0.0.1") && told.contains("were ended"),
        "{told}"
    );
    let ended = run(&mut session, "SELECT 1").await.unwrap_err();
    assert_eq!(ended.as_database_error().unwrap().code().unwrap(), "57P01");
    assert_eq!(using(&strict, &adopted()).await, []);
    strict.reinstate(&adopted()).await.unwrap();
    strict.prove(&adopted()).await.unwrap();
}

#[tokio::test]
async fn a_retirement_that_comes_late_does_not_end_the_sessions_of_the_next_version() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "terminate_sessions": true }));
    let second = staged(&issuer, &adopted()).await;
    let third = staged(&issuer, &second).await;
    issuer.retire(&second).await.unwrap();
    let fourth = staged(&issuer, &third).await;
    let mut session = connect(server.port(), &fourth, "goimg-api").await.unwrap();
    issuer.retire(&second).await.unwrap();
    run(&mut session, "SELECT 1").await.unwrap();
    issuer.retire(&fourth).await.unwrap();
    assert!(run(&mut session, "SELECT 1").await.is_err());
}

#[tokio::test]
async fn many_sessions_are_told_in_groups() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let mut sessions = Vec::new();
    for application in ["goimg-api", "goimg-api", "goimg-api", "goimg-worker", ""] {
        sessions.push(connect(server.port(), &adopted(), application).await.unwrap());
    }
    let facts = using(&issuer, &adopted()).await;
    let details: Vec<_> = facts
        .iter()
        .map(|fact| fact.detail.split(" from").next().unwrap())
        .collect();
    assert_eq!(details.len(), 3, "{details:?}");
    for expected in [
        "3 sessions of goimg-api",
        "1 session of goimg-worker",
        "1 session of without a name",
    ] {
        assert!(details.contains(&expected), "{details:?}");
    }
}

#[tokio::test]
async fn everything_that_can_act_as_the_role_is_in_the_inventory() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    staged(&issuer, &adopted()).await;
    server
        .sql("CREATE ROLE auditor LOGIN IN ROLE goimg; CREATE ROLE stranger LOGIN")
        .await;
    let held = issuer.inventory().await.unwrap();
    let names: Vec<_> = held.iter().map(|held| held.id.as_str()).collect();
    assert_eq!(names, ["auditor", "goimg", "goimg_a"]);
    assert_eq!(held[2].name.as_deref(), Some("keywheel: goimg/postgres version 2"));
}
