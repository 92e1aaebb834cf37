//! Connections that end at the wrong moment.

use keywheel_domain::ports::{Effect, ErrorKind, Issuer, Retry};
use keywheel_testkit::containers::{Postgres, Proxy};
use serde_json::json;

use super::company::{ROTATOR, adopted, company, issuer, next, set_up, staged};

#[tokio::test]
async fn an_answer_that_is_lost_on_the_way_back_is_an_unknown_effect_and_repeating_resolves_it() {
    let server = company().await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(proxy.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    // The server says what it did: the transaction is committed when the answer is lost.
    proxy.lose_answer_with("COMMIT");
    let lost = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (lost.effect, lost.retry),
        (Effect::Unknown, Retry::Later),
        "{}",
        lost.chain()
    );
    assert_eq!(proxy.lost(), 1);
    assert_eq!(
        server
            .sql("SELECT count(*) FROM pg_roles WHERE rolname = 'goimg_a'")
            .await,
        "1"
    );
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    proxy.lose_answer_with("COMMIT");
    assert_eq!(issuer.retire(&adopted()).await.unwrap_err().effect, Effect::Unknown);
    issuer.retire(&adopted()).await.unwrap();
    issuer.prove_dead(&adopted()).await.unwrap();
}

#[tokio::test]
async fn an_exchange_whose_answer_is_lost_is_unknown_too() {
    let server = company().await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(proxy.port(), json!({ "kind": "in_place" }));
    let new = next(&issuer, &adopted()).await;
    proxy.lose_answer_with("ALTER ROLE");
    let lost = issuer.replace(&new).await.unwrap_err();
    assert_eq!(lost.effect, Effect::Unknown, "{}", lost.chain());
    issuer.prove(&new).await.unwrap();
    issuer.replace(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_commit_has_certainly_no_effect() {
    let server = company().await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(proxy.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    proxy.lose_answer_with("CREATE ROLE");
    let lost = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (lost.kind, lost.effect),
        (ErrorKind::Unavailable, Effect::None),
        "{}",
        lost.chain()
    );
    assert_eq!(
        server
            .sql("SELECT count(*) FROM pg_roles WHERE rolname = 'goimg_a'")
            .await,
        "0"
    );
}

#[tokio::test]
async fn a_server_that_hangs_while_it_commits_is_unknown_and_one_that_is_away_is_not() {
    let server = company().await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(
        proxy.port(),
        json!({ "kind": "in_place", "statement_timeout": "700ms", "connect_timeout": "700ms" }),
    );
    let new = next(&issuer, &adopted()).await;
    issuer.replace(&new).await.unwrap();
    // The connection that rests is used again, and nobody answers.
    proxy.hang();
    let late = issuer.replace(&adopted()).await.unwrap_err();
    assert_eq!(
        (late.kind, late.effect),
        (ErrorKind::TimedOut, Effect::Unknown),
        "{}",
        late.chain()
    );
    let nobody = issuer.replace(&adopted()).await.unwrap_err();
    assert_eq!(
        (nobody.kind, nobody.effect),
        (ErrorKind::TimedOut, Effect::None),
        "{}",
        nobody.chain()
    );
    proxy.cut();
    let away = issuer.replace(&adopted()).await.unwrap_err();
    assert_eq!(
        (away.kind, away.effect),
        (ErrorKind::Unavailable, Effect::None),
        "{}",
        away.chain()
    );
    proxy.heal();
    issuer.replace(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_ended_while_it_rested_is_nobodys_failure() {
    let server = company().await;
    let end = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{ROTATOR}'");
    let (twins, in_place) = (
        issuer(server.port(), json!({})),
        issuer(server.port(), json!({ "kind": "in_place" })),
    );
    let new = next(&twins, &adopted()).await;
    for _ in 0..2 {
        twins.stage(&new).await.unwrap();
        in_place.replace(&adopted()).await.unwrap();
        // Within a second both are taken again without a look.
        assert_eq!(server.sql(&end).await, "2");
    }
    twins.retire(&new).await.unwrap();
}

#[tokio::test]
async fn an_effect_that_was_unknown_once_stays_so_when_the_next_attempt_fails_for_sure() {
    let server = company().await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(proxy.port(), json!({ "kind": "in_place" }));
    issuer.replace(&adopted()).await.unwrap();
    // The connection that rests is lost with the answer, and there is no other one.
    let new = next(&issuer, &adopted()).await;
    proxy.cut();
    let lost = issuer.replace(&new).await.unwrap_err();
    assert_eq!(
        (lost.kind, lost.effect),
        (ErrorKind::Unavailable, Effect::Unknown),
        "{}",
        lost.chain()
    );
}

#[tokio::test]
async fn a_restart_of_the_server_changes_nothing_for_versions() {
    let server = Postgres::start_with(&Postgres::DURABLE).await;
    set_up(&server).await;
    let issuer = issuer(server.port(), json!({}));
    let new = staged(&issuer, &adopted()).await;
    issuer.retire(&adopted()).await.unwrap();
    server.restart().await;
    issuer.prove(&new).await.unwrap();
    assert!(issuer.prove_dead(&adopted()).await.unwrap().detail.contains("28P01"));
    // The rotator's connections did not survive it; nobody notices.
    let newer = staged(&issuer, &new).await;
    server.kill().await;
    server.start_again().await;
    issuer.prove(&newer).await.unwrap();
}
