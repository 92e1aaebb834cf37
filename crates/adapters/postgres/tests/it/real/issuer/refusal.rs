//! What is a refusal, and what only looks like one.

use keywheel_domain::ports::{ErrorKind, Issuer};
use keywheel_testkit::containers::Postgres;
use serde_json::json;

use super::company::{adopted, company, issuer, staged, version};

/// Puts lines in front of the server's pg_hba.conf.
async fn admit(server: &Postgres, lines: &str) {
    let script = format!(
        "cat \"$PGDATA/pg_hba.conf\" > /tmp/hba; {{ echo '{lines}'; cat /tmp/hba; }} > \"$PGDATA/pg_hba.conf\""
    );
    server.execute(&["sh", "-c", &script]).await;
    server.sql("SELECT pg_reload_conf()").await;
}

#[tokio::test]
async fn a_wrong_password_an_expired_one_and_a_role_without_login_are_refusals() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let wrong = version(1, "goimg", "not-the-password");
    let unknown = version(1, "goimg_b", "not-the-password");
    for version in [&wrong, &unknown] {
        assert_eq!(issuer.prove(version).await.unwrap_err().kind, ErrorKind::Refused);
        assert!(issuer.prove_dead(version).await.unwrap().detail.contains("28P01"));
    }
    server.sql("ALTER ROLE goimg VALID UNTIL '2020-01-01'").await;
    assert!(issuer.prove_dead(&adopted()).await.unwrap().detail.contains("28P01"));
    server.sql("ALTER ROLE goimg VALID UNTIL 'infinity' NOLOGIN").await;
    let dead = issuer.prove_dead(&adopted()).await.unwrap().detail;
    assert!(
        dead.contains("28000") && dead.contains("not permitted to log in"),
        "{dead}"
    );
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_host_that_is_not_let_in_proves_nothing() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    admit(&server, "host all goimg all reject").await;
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Forbidden);
    let unknown = issuer.prove_dead(&adopted()).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Forbidden, "{}", unknown.chain());
}

#[tokio::test]
async fn a_server_that_asks_nobody_for_a_password_proves_nothing() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    admit(&server, "host all goimg all trust").await;
    let unasked = issuer.prove(&adopted()).await.unwrap_err();
    assert_eq!(unasked.kind, ErrorKind::Invalid);
    assert!(unasked.message().contains("without asking for a password"), "{unasked}");
    let wrong = version(1, "goimg", "not-the-password");
    assert_eq!(issuer.prove_dead(&wrong).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_password_is_not_sent_in_the_clear_to_another_machine() {
    let server = company().await;
    admit(&server, "host all goimg all password").await;
    // The same machine is private; a name for it that could be anywhere is not.
    issuer(server.port(), json!({})).prove(&adopted()).await.unwrap();
    let elsewhere = issuer(server.port(), json!({ "admin": { "host": "127.1" } }));
    let refused = elsewhere.prove(&adopted()).await.unwrap_err();
    assert!(refused.message().contains("it was not sent"), "{refused}");
    assert_eq!(refused.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_password_that_was_taken_is_alive_whatever_comes_after_it() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    server.sql("ALTER ROLE goimg CONNECTION LIMIT 0").await;
    let full = issuer.prove_dead(&adopted()).await.unwrap_err();
    assert_eq!(full.kind, ErrorKind::Conflict, "{}", full.chain());
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Unavailable);
    server.sql("ALTER ROLE goimg CONNECTION LIMIT -1; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO keywheel").await;
    let closed = issuer.prove_dead(&adopted()).await.unwrap_err();
    assert_eq!(closed.kind, ErrorKind::Conflict, "{}", closed.chain());
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_check_that_fails_is_no_refusal() {
    let server = company().await;
    server.sql("CREATE TABLE secrets (id int)").await;
    let check = |check: &str| issuer(server.port(), json!({ "check": check }));
    let forbidden = check("SELECT 1 FROM secrets").prove(&adopted()).await.unwrap_err();
    assert_eq!(forbidden.kind, ErrorKind::Forbidden);
    assert!(
        forbidden.chain().contains("permission denied for table secrets"),
        "{}",
        forbidden.chain()
    );
    let wrong = check("SELEKT 1").prove(&adopted()).await.unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::Invalid);
    let posing = check("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '28P01'; END $$");
    assert_eq!(posing.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Forbidden);
    let many = check("SELECT 1; SELECT generate_series(1, 100000); SELECT 2");
    many.prove(&adopted()).await.unwrap();
    let slow = check("SELECT pg_sleep(60)");
    assert_eq!(slow.prove(&adopted()).await.unwrap_err().kind, ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_server_that_is_away_or_hangs_is_neither_alive_nor_dead() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({ "connect_timeout": "500ms" }));
    staged(&issuer, &adopted()).await;
    server.pause().await;
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::TimedOut);
    assert_eq!(
        issuer.prove_dead(&adopted()).await.unwrap_err().kind,
        ErrorKind::TimedOut
    );
    server.unpause().await;
    server.stop().await;
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(
        issuer.prove_dead(&adopted()).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    server.start_again().await;
    issuer.prove(&adopted()).await.unwrap();
}
