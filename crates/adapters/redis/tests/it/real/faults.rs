//! Connections that break, hang and lose answers.

use std::time::Duration;

use futures_util::future::join_all;
use keywheel_domain::ports::{Effect, ErrorKind, Issuer, PortError};
use serde_json::json;

use crate::real::support::*;

async fn behind_a_proxy() -> (Redis, Proxy, std::sync::Arc<keywheel_redis::RedisIssuer>) {
    let server = server("goimg", "first-password").await;
    let proxy = Proxy::start(server.port()).await;
    let issuer = issuer(&[proxy.port()], json!({ "user": "goimg" }));
    (server, proxy, issuer)
}

/// One that waits for half a second.
fn impatient(proxy: &Proxy) -> std::sync::Arc<keywheel_redis::RedisIssuer> {
    issuer(&[proxy.port()], json!({ "user": "goimg", "timeout": "500ms" }))
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_change_leaves_it_unknown_and_may_be_repeated() {
    let (server, proxy, issuer) = behind_a_proxy().await;
    let mut current = version(1, "goimg", "first-password");
    // Each command of a step, the question before the change and the save after it among them.
    for request in ["GETUSER", "SETUSER", "SAVE"] {
        let new = next(&*issuer, &current).await;
        issuer.prove(&current).await.unwrap();
        let before = proxy.lost();
        proxy.lose_answer_to(request);
        let staged = issuer.stage(&new).await;
        assert_eq!(proxy.lost(), before + 1, "{request}");
        if request != "GETUSER" {
            let lost = staged.unwrap_err();
            assert_eq!(
                (lost.kind, lost.effect),
                (ErrorKind::Unavailable, Effect::Unknown),
                "{request}: {lost}"
            );
        }
        proxy.heal();
        issuer.stage(&new).await.unwrap();
        issuer.prove(&new).await.unwrap();
        proxy.lose_answer_to(request);
        let retired = issuer.retire(&current).await;
        assert_eq!(
            retired.is_err(),
            request != "GETUSER",
            "a question is asked again, a change is not"
        );
        proxy.heal();
        issuer.retire(&current).await.unwrap();
        issuer.prove_dead(&current).await.unwrap();
        assert!(works(server.port(), &new).await);
        current = new;
    }
    server.restart().await;
    issuer.prove(&current).await.unwrap();
}

#[tokio::test]
async fn no_connection_is_certainly_no_effect_and_certainly_no_refusal() {
    let (_server, proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    proxy.cut();
    let failed = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (failed.kind, failed.effect),
        (ErrorKind::Unavailable, Effect::None),
        "{failed}"
    );
    assert_eq!(issuer.prove(&old).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(issuer.prove_dead(&old).await.unwrap_err().kind, ErrorKind::Unavailable);
    proxy.heal();
    issuer.prove(&old).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_times_out_and_is_neither_alive_nor_dead() {
    let (server, proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let impatient = impatient(&proxy);
    issuer.prove(&old).await.unwrap();
    server.pause().await;
    let unanswered = |error: PortError| {
        let expected = [ErrorKind::TimedOut, ErrorKind::Unavailable];
        assert!(expected.contains(&error.kind), "{error}");
    };
    unanswered(impatient.stage(&new).await.unwrap_err());
    unanswered(impatient.prove(&old).await.unwrap_err());
    unanswered(impatient.prove_dead(&old).await.unwrap_err());
    server.unpause().await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_not_answered_in_time_may_have_happened() {
    let (_server, proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let brief = crate::real::support::issuer(&[proxy.port()], json!({ "user": "goimg", "timeout": "3s" }));
    brief.prove(&old).await.unwrap();
    proxy.hang();
    let late = brief.stage(&new).await.unwrap_err();
    assert!(late.message().contains("no answer within 3s"), "{late}");
    proxy.heal();
    issuer.stage(&new).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_costs_many_rotations_no_more_time_than_one() {
    let (server, proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let impatient = impatient(&proxy);
    issuer.prove(&old).await.unwrap();
    server.pause().await;
    let began = clock().monotonic();
    let failed = join_all((0..100).map(|_| impatient.prove(&old))).await;
    let took = clock().monotonic() - began;
    assert!(failed.iter().all(Result::is_err));
    assert!(
        took.as_secs() < 25,
        "one after another they take 50 s, and these took {took}"
    );
    server.unpause().await;
    issuer.prove(&old).await.unwrap();
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let (_server, proxy, issuer) = behind_a_proxy().await;
    proxy.slow(Duration::from_millis(50));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_restarted_in_between_is_reached_again() {
    let (server, _proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    server.restart().await;
    issuer.prove(&new).await.unwrap();
    server.restart().await;
    issuer.retire(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_known_says_so_while_every_answer_is_lost() {
    let (server, proxy, issuer) = behind_a_proxy().await;
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    proxy.lose_answers(true);
    for error in [
        issuer.prove(&new).await.unwrap_err(),
        issuer.prove_dead(&old).await.unwrap_err(),
        issuer.usage(&old, clock().now()).await.unwrap_err(),
    ] {
        assert!(
            ![ErrorKind::Refused, ErrorKind::Conflict].contains(&error.kind),
            "{error}"
        );
    }
    assert!(works(server.port(), &new).await);
}
