//! The contract of issuers, for every strategy.

use keywheel_testkit::contract::issuer::{Fixture, check};
use serde_json::json;

use super::support::*;

fn fixture(
    strategy: &'static str,
    name: &'static str,
) -> impl Fn() -> futures_util::future::BoxFuture<'static, Fixture> + Sync {
    move || {
        Box::pin(async move {
            let server = server(name, "first-password").await;
            let issuer = issuer(&[server.port()], json!({ "user": name, "kind": strategy }));
            Fixture {
                issuer,
                current: version(1, name, "first-password"),
                keep: Box::new(server),
            }
        })
    }
}

#[tokio::test]
async fn two_passwords_of_a_named_user_keep_the_contract() {
    check(&fixture("dual_password", "goimg")).await;
}

#[tokio::test]
async fn two_passwords_of_default_keep_the_contract() {
    check(&fixture("dual_password", "default")).await;
}

#[tokio::test]
async fn twins_keep_the_contract() {
    check(&fixture("twin_users", "goimg")).await;
}

#[tokio::test]
async fn one_password_keeps_the_contract() {
    check(&fixture("in_place", "default")).await;
}
