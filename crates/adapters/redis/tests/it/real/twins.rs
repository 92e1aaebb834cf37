//! Two users of the same rights.

use keywheel_domain::ports::{ErrorKind, Issuer, Usage};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

#[tokio::test]
async fn twins_take_turns_with_the_rights_of_the_one_in_use() {
    let server = server("goimg", "first-password").await;
    let mut root = root_of(&server).await;
    let rights = [
        "resetkeys",
        "~app:*",
        "%R~shared:*",
        "resetchannels",
        "&news.*",
        "(~queue:* -@all +lpush)",
    ];
    root.ask(&[&["ACL", "SETUSER", "goimg"], &rights[..]].concat()).await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kind": "twin_users" }));
    let mut current = version(1, "goimg", "first-password");
    for expected in ["goimg_a", "goimg_b", "goimg_a"] {
        let new = next(&*issuer, &current).await;
        assert_eq!(user(&new), expected);
        issuer.stage(&new).await.unwrap();
        issuer.prove(&new).await.unwrap();
        assert!(works(server.port(), &current).await && works(server.port(), &new).await);
        assert_eq!(
            rights_of(&mut root, user(&new)).await,
            rights_of(&mut root, user(&current)).await
        );

        issuer.suspend(&current).await.unwrap();
        issuer.prove_dead(&current).await.unwrap();
        issuer.reinstate(&current).await.unwrap();
        issuer.prove(&current).await.unwrap();
        issuer.retire(&current).await.unwrap();
        issuer.prove_dead(&current).await.unwrap();
        let retired = root.ask(&["ACL", "GETUSER", user(&current)]).await;
        assert!(
            retired.contains("off") && !retired.lines().any(|line| line.len() == 64),
            "{retired}"
        );
        current = new;
    }
    let held = issuer.inventory().await.unwrap();
    assert_eq!(held.len(), 3, "{held:?}");
}

/// The line of ACL LIST without name, state and passwords.
async fn rights_of(root: &mut Client, user: &str) -> Vec<String> {
    let list = root.ask(&["ACL", "LIST"]).await;
    let line = list
        .lines()
        .find(|line| line.starts_with(&format!("user {user} ")))
        .unwrap();
    let rights = line.split(' ').skip(3).filter(|rule| !rule.starts_with('#'));
    rights.map(str::to_owned).collect()
}

#[tokio::test]
async fn rights_that_changed_meanwhile_are_copied_again_and_taken_away_again() {
    let server = server("goimg", "first-password").await;
    let mut root = root_of(&server).await;
    root.ask(&["ACL", "SETUSER", "goimg_a", "off", "~*", "&*", "+@all"])
        .await;
    root.ask(&["ACL", "SETUSER", "goimg", "resetkeys", "~app:*"]).await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kind": "twin_users" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    assert_eq!(
        rights_of(&mut root, "goimg_a").await,
        rights_of(&mut root, "goimg").await
    );
    let mut client = Client::log_in(server.port(), "goimg_a", password(&new)).await.unwrap();
    assert!(client.ask(&["GET", "other"]).await.starts_with("NOPERM"));
}

#[tokio::test]
async fn a_twin_is_not_made_without_the_user_whose_rights_it_gets() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kind": "twin_users" }));
    let new = next(&*issuer, &version(1, "goimg", "first-password")).await;
    let mut root = root_of(&server).await;
    root.ask(&["ACL", "DELUSER", "goimg"]).await;
    assert_eq!(issuer.stage(&new).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(root.ask(&["ACL", "GETUSER", "goimg_a"]).await, "nil");
    let by_hand = version(2, "goimg_a", "second-password");
    assert_eq!(issuer.stage(&by_hand).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_drain_names_who_uses_the_old_twin_and_nobody_else() {
    let server = server("goimg", "first-password").await;
    let more = json!({ "user": "goimg", "kind": "twin_users", "kill_connections": true });
    let issuer = issuer(&[server.port()], more);
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    let switched = clock().now();
    let mut late = Client::log_in(server.port(), "goimg", "first-password").await.unwrap();
    late.ask(&["CLIENT", "SETNAME", "worker-7"]).await;
    let mut moved = Client::log_in(server.port(), "goimg_a", password(&new)).await.unwrap();
    let Usage::InUse(using) = issuer.usage(&old, switched).await.unwrap() else {
        panic!("the old twin is in use");
    };
    assert_eq!(using.len(), 1);
    assert!(using[0].detail.contains("worker-7"), "{}", using[0].detail);
    issuer.suspend(&old).await.unwrap();
    assert!(late.ask(&["PING"]).await.starts_with("lost"), "it was to be closed");
    assert_eq!(moved.ask(&["PING"]).await, "PONG");
    assert!(matches!(issuer.usage(&old, switched).await.unwrap(), Usage::Unused(_)));
}
