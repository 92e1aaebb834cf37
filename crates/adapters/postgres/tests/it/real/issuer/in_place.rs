//! One role whose password is exchanged.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{Clock, ErrorKind, Issuer, Usage};
use serde_json::json;

use super::company::{RealClock, adopted, company, connect, issuer, next, version};

#[tokio::test]
async fn a_password_is_exchanged_back_and_forth() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place", "iterations": 8192 }));
    let new = next(&issuer, &adopted()).await;
    assert_eq!(new.attributes["username"], "goimg");
    for _ in 0..2 {
        issuer.replace(&new).await.unwrap();
        issuer.prove(&new).await.unwrap();
        issuer.prove_dead(&adopted()).await.unwrap();
        issuer.replace(&adopted()).await.unwrap();
        issuer.prove(&adopted()).await.unwrap();
        issuer.prove_dead(&new).await.unwrap();
    }
    let stored = server
        .sql("SELECT split_part(rolpassword, ':', 1) FROM pg_authid WHERE rolname = 'goimg'")
        .await;
    assert_eq!(stored, "SCRAM-SHA-256$8192");
}

#[tokio::test]
async fn neither_the_password_nor_a_part_of_it_reaches_the_server() {
    let server = company().await;
    server.sql("ALTER SYSTEM SET log_statement = 'all'").await;
    server.sql("SELECT pg_reload_conf()").await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place" }));
    let old = version(1, "goimg", "brought-by-a-person");
    issuer.replace(&old).await.unwrap();
    let new = next(&issuer, &old).await;
    issuer.replace(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    let log = server.log().await;
    assert!(
        log.contains("ALTER ROLE \"goimg\" PASSWORD 'SCRAM-SHA-256$4096:"),
        "{log}"
    );
    let password = new.material.get("password").unwrap().expose_text().unwrap();
    assert!(!log.contains(password) && !log.contains("brought-by-a-person"));
}

#[tokio::test]
async fn the_same_version_always_gets_the_same_verifier() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place" }));
    let new = next(&issuer, &adopted()).await;
    let stored = async || {
        server
            .sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'goimg'")
            .await
    };
    issuer.replace(&new).await.unwrap();
    let first = stored().await;
    issuer.replace(&new).await.unwrap();
    assert_eq!(stored().await, first);
}

#[tokio::test]
async fn two_who_exchange_it_at_the_same_moment_do_not_fail() {
    let server = company().await;
    let issuers = [(); 2].map(|()| issuer(server.port(), json!({ "kind": "in_place" })));
    let new = next(&issuers[0], &adopted()).await;
    let done = join_all((0..20).map(|turn| issuers[turn % 2].replace(&new))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    issuers[0].prove(&new).await.unwrap();
}

#[tokio::test]
async fn somebody_who_takes_no_lock_is_waited_out() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place" }));
    let new = next(&issuer, &adopted()).await;
    let url = server.url("postgres");
    let stranger = tokio::spawn(async move {
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
        for _ in 0..60 {
            // It loses as often as we do; that is its own affair.
            drop(super::company::run(&mut connection, "ALTER ROLE goimg CONNECTION LIMIT 50").await);
        }
    });
    for _ in 0..20 {
        issuer.replace(&new).await.unwrap();
    }
    stranger.await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn sessions_that_began_before_the_switch_use_the_old_version() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place" }));
    let early = connect(server.port(), &adopted(), "goimg-worker").await.unwrap();
    let switched: Timestamp = RealClock.now() + SignedDuration::from_millis(1);
    super::company::pause(10).await;
    let late = connect(server.port(), &adopted(), "goimg-api").await.unwrap();
    let Usage::InUse(facts) = issuer.usage(&adopted(), switched).await.unwrap() else {
        panic!("the early session is not seen");
    };
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert!(facts[0].detail.starts_with("1 session of goimg-worker"), "{facts:?}");
    drop(late);
    sqlx::Connection::close(early).await.unwrap();
    super::company::pause(50).await;
    assert!(matches!(
        issuer.usage(&adopted(), switched).await.unwrap(),
        Usage::Unused(_)
    ));
    server.sql("REVOKE pg_read_all_stats FROM keywheel").await;
    let hidden = connect(server.port(), &adopted(), "goimg-api").await.unwrap();
    assert_eq!(issuer.usage(&adopted(), switched).await.unwrap(), Usage::Untold);
    drop(hidden);
}

#[tokio::test]
async fn a_role_that_is_not_there_is_not_made() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "kind": "in_place", "role": "shop" }));
    let new = next(&issuer, &version(1, "shop", "x")).await;
    assert_eq!(issuer.replace(&new).await.unwrap_err().kind, ErrorKind::NotFound);
}
