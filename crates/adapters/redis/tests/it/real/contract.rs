//! The contract of issuers, for every strategy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use keywheel_testkit::contract::issuer::{Fixture, check};
use serde_json::json;

use super::support::*;

/// Fixtures on one server: each has a user of its own, or `default` as it was at first.
async fn keeps_the_contract(strategy: &'static str, name: &'static str) {
    let server = Arc::new(server(name, "first-password").await);
    let count = AtomicUsize::new(0);
    let fixture = move || -> BoxFuture<'static, Fixture> {
        let (server, number) = (Arc::clone(&server), count.fetch_add(1, Ordering::SeqCst));
        Box::pin(async move {
            let user = match name {
                "default" => name.to_owned(),
                name => format!("{name}-{number}"),
            };
            let mut root = root_of(&server).await;
            let fresh = ["resetpass", ">first-password", "on", "~*", "+@all"];
            let made = root.ask(&[&["ACL", "SETUSER", &user], &fresh[..]].concat()).await;
            assert_eq!(made, "OK");
            Fixture {
                issuer: issuer(&[server.port()], json!({ "user": user, "kind": strategy })),
                current: version(1, &user, "first-password"),
                keep: Box::new(server),
            }
        })
    };
    check(&fixture).await;
}

#[tokio::test]
async fn two_passwords_of_a_named_user_keep_the_contract() {
    keeps_the_contract("dual_password", "goimg").await;
}

#[tokio::test]
async fn two_passwords_of_default_keep_the_contract() {
    keeps_the_contract("dual_password", "default").await;
}

#[tokio::test]
async fn twins_keep_the_contract() {
    keeps_the_contract("twin_users", "goimg").await;
}

#[tokio::test]
async fn one_password_keeps_the_contract() {
    keeps_the_contract("in_place", "default").await;
}
