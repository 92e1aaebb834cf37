//! Names and passwords of everything that a keyboard has.

use keywheel_domain::ports::Issuer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z$%&\\\\;:|<>#@!(){}\\[\\]*?~^+=,./-]{1,12}",
        "\\PC{1,8}".prop_filter("no white space or quotes", |name: &String| {
            !name.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'')
        }),
    ]
}

fn passwords() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,40}", "\\PC{1,20}", "[\\n\\t\\r\"'\\\\$%#`; ]{1,20}"]
}

#[test]
fn any_user_that_redis_can_have_is_rotated_with_any_password_and_is_there_after_a_restart() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for settings in [&[][..], &[("aclfile", "")][..]] {
        let _inside = runtime.enter();
        let server = runtime.block_on(Redis::start_with(settings));
        runtime.block_on(set_up(&server, "goimg", "first-password"));
        let mut rotated: Vec<(String, String)> = Vec::new();
        let cases = std::cell::RefCell::new(&mut rotated);
        let mut runner = TestRunner::new(Config {
            cases: 15,
            failure_persistence: None,
            ..Config::default()
        });
        let rotate = |(name, first, second): (String, String, String)| {
            prop_assume!(!["default", ADMIN, "root", "goimg"].contains(&name.as_str()) && first != second);
            prop_assume!(cases.borrow().iter().all(|(known, _)| *known != name));
            runtime.block_on(rotate(&server, &name, &first, &second));
            cases.borrow_mut().push((name, second));
            Ok(())
        };
        runner.run(&(names(), passwords(), passwords()), rotate).unwrap();
        runtime.block_on(server.restart());
        for (name, password) in &rotated {
            let logged_in = runtime.block_on(Client::log_in(server.port(), name, password));
            assert!(logged_in.is_ok(), "{name:?} {password:?}");
        }
    }
}

async fn rotate(server: &Redis, name: &str, first: &str, second: &str) {
    let mut root = root_of(server).await;
    let rule = format!(">{first}");
    assert_eq!(
        root.ask(&["ACL", "SETUSER", name, "on", &rule, "~*", "+@all"]).await,
        "OK"
    );
    let issuer = issuer(&[server.port()], json!({ "user": name }));
    let (old, new) = (version(1, name, first), version(2, name, second));
    issuer.prove(&old).await.unwrap();
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.retire(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    assert!(Client::log_in(server.port(), name, second).await.is_ok());
    let twins = crate::real::support::issuer(&[server.port()], json!({ "user": name, "kind": "twin_users" }));
    let twin = next(&*twins, &new).await;
    twins.stage(&twin).await.unwrap();
    twins.prove(&twin).await.unwrap();
    twins.retire(&twin).await.unwrap();
}

#[tokio::test]
async fn nothing_of_a_password_crosses_the_wire_but_in_logins() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let mut root = root_of(&server).await;
    root.ask(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]).await;
    root.ask(&["CONFIG", "SET", "slowlog-max-len", "10000"]).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.retire(&old).await.unwrap();
    let seen = root.ask(&["SLOWLOG", "GET", "10000"]).await;
    assert!(seen.contains("GETUSER"), "{seen}");
    for secret in [password(&old), password(&new)] {
        assert!(!seen.contains(secret));
    }
    for never in ["resetpass", "LOAD", "DELUSER", "FLUSHDB"] {
        assert!(!seen.lines().any(|word| word.eq_ignore_ascii_case(never)), "{never}");
    }
}
