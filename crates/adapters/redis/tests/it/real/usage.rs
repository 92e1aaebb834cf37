//! Who still uses a version.

use keywheel_domain::ports::{Issuer, Usage};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

#[tokio::test]
async fn what_was_opened_before_the_switch_holds_until_it_closes() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    let mut pooled = Client::log_in(server.port(), "goimg", "first-password").await.unwrap();
    pooled.ask(&["CLIENT", "SETNAME", "pool-3"]).await;
    pause(2_100).await;
    let switched = clock().now();
    pause(1_100).await;
    let _new = Client::log_in(server.port(), "goimg", password(&new)).await.unwrap();
    let Usage::InUse(using) = issuer.usage(&old, switched).await.unwrap() else {
        panic!("the pooled connection is in use");
    };
    assert_eq!(using.len(), 1, "{using:?}");
    assert!(
        using[0].detail.contains("pool-3") && using[0].detail.contains("before the switch"),
        "{using:?}"
    );
    drop(pooled);
    pause(50).await;
    let Usage::Unused(facts) = issuer.usage(&old, switched).await.unwrap() else {
        panic!("nobody uses it any more");
    };
    assert!(
        facts[0].detail.contains("resolution 1 s") && facts[0].detail.contains("not seen"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn old_connections_are_closed_after_the_drain_where_that_is_wanted() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kill_connections": true }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    let mut pooled = Client::log_in(server.port(), "goimg", "first-password").await.unwrap();
    pause(2_100).await;
    let switched = clock().now();
    pause(1_100).await;
    let mut fresh = Client::log_in(server.port(), "goimg", password(&new)).await.unwrap();
    issuer.usage(&old, switched).await.unwrap();
    let suspended = issuer.suspend(&old).await.unwrap();
    assert!(
        suspended.detail.contains("connections closed: 1"),
        "{}",
        suspended.detail
    );
    assert!(pooled.ask(&["PING"]).await.starts_with("lost"));
    assert_eq!(fresh.ask(&["PING"]).await, "PONG");
}

#[tokio::test]
async fn without_a_known_switch_nothing_is_closed_that_may_be_new() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kill_connections": true }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    let mut client = Client::log_in(server.port(), "goimg", password(&new)).await.unwrap();
    let retired = issuer.retire(&old).await.unwrap();
    assert!(retired.detail.contains("no connection closed"), "{}", retired.detail);
    assert_eq!(client.ask(&["PING"]).await, "PONG");
}

#[tokio::test]
async fn our_own_logins_are_nobodys_use() {
    let server = server("default", "first-password").await;
    let issuer = issuer(&[server.port()], json!({}));
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    for _ in 0..5 {
        issuer.prove(&old).await.unwrap();
    }
    pause(1_100).await;
    let later = clock().now();
    let used = issuer.usage(&old, later).await.unwrap();
    assert!(matches!(used, Usage::Unused(_)), "{used:?}");
}

#[tokio::test]
async fn a_login_leaves_no_connection_behind_that_is_anybodys() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    issuer.prove(&version(1, "goimg", "first-password")).await.unwrap();
    let listed = root_of(&server).await.ask(&["CLIENT", "LIST"]).await;
    assert!(!listed.contains("user=goimg"), "{listed}");
    assert!(
        listed.contains("name=keywheel"),
        "operators see whose the other ones are: {listed}"
    );
}
