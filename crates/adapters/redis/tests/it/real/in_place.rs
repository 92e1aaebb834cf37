//! One password, which is replaced.

use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{ErrorKind, Issuer};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

fn legacy(nodes: &[u16]) -> std::sync::Arc<keywheel_redis::RedisIssuer> {
    let config = config(nodes, json!({ "kind": "in_place", "admin_user": null }));
    let fleets = keywheel_redis::Fleets::default();
    std::sync::Arc::new(keywheel_redis::RedisIssuer::new(config, None, &clock(), &fleets).unwrap())
}

#[tokio::test]
async fn the_password_is_replaced_with_nothing_but_itself_to_log_in_with() {
    let server = Redis::start_with(&[("requirepass", "first-password")]).await;
    let issuer = legacy(&[server.port()]);
    assert_eq!(issuer.capabilities().overlap, Overlap::OneVersion);
    assert!(!issuer.capabilities().can_suspend);
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    let replaced = issuer.replace(&new).await.unwrap();
    assert!(replaced.detail.contains("configuration file"), "{}", replaced.detail);
    issuer.replace(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    server.restart().await;
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_is_undone_brings_the_old_password_back() {
    let server = Redis::start_with(&[("requirepass", "first-password")]).await;
    let issuer = legacy(&[server.port()]);
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    issuer.replace(&new).await.unwrap();
    issuer.replace(&old).await.unwrap();
    issuer.prove(&old).await.unwrap();
    issuer.prove_dead(&new).await.unwrap();
}

#[tokio::test]
async fn another_process_goes_on_where_the_first_one_died() {
    let server = Redis::start_with(&[("requirepass", "first-password")]).await;
    let first = legacy(&[server.port()]);
    let old = version(1, "default", "first-password");
    let new = next(&*first, &old).await;
    first.prove(&old).await.unwrap();
    first.replace(&new).await.unwrap();
    let second = legacy(&[server.port()]);
    second.replace(&new).await.unwrap();
    second.prove(&new).await.unwrap();
    let stranger = legacy(&[server.port()]);
    let lost = stranger
        .replace(&version(3, "default", "third-password"))
        .await
        .unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Forbidden, "{lost}");
}

#[tokio::test]
async fn replicas_follow_and_stay_connected() {
    let settings = [("requirepass", "first-password"), ("masterauth", "first-password")];
    let master = Redis::start_with(&settings).await;
    let replica = Redis::replica_with(&master, &settings).await;
    wait_for_link(&replica, "default", "first-password").await;
    let issuer = legacy(&[master.port(), replica.port()]);
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    let replaced = issuer.replace(&new).await.unwrap();
    assert!(
        replaced.detail.contains("2 logins between nodes moved"),
        "{}",
        replaced.detail
    );
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    for server in [&replica, &master] {
        server.restart().await;
    }
    wait_for_link(&replica, "default", password(&new)).await;
}

#[tokio::test]
async fn with_an_administrator_an_acl_file_is_written_as_well() {
    let server = server("default", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "kind": "in_place" }));
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    let replaced = issuer.replace(&new).await.unwrap();
    assert!(replaced.detail.contains("ACL file"), "{}", replaced.detail);
    server.restart().await;
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    let clear = root_of(&server).await.ask(&["CONFIG", "GET", "requirepass"]).await;
    assert!(clear.contains(password(&new)), "later versions load it at the start");
}

#[tokio::test]
async fn passwords_of_any_text_are_kept_as_they_are() {
    let server = Redis::start_with(&[("requirepass", "first-password")]).await;
    let issuer = legacy(&[server.port()]);
    issuer.prove(&version(1, "default", "first-password")).await.unwrap();
    for (number, text) in (2..).zip([
        "a\"b'c",
        "back\\slash",
        "ünïcode 100%",
        "line\nbreak\ttab",
        "$(id) `id` #x",
        " blank ",
    ]) {
        let new = version(number, "default", text);
        issuer.replace(&new).await.unwrap();
        server.restart().await;
        assert!(Client::log_in(server.port(), "default", text).await.is_ok(), "{text:?}");
        issuer.prove(&new).await.unwrap();
    }
}
