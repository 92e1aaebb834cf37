//! What a preflight finds.

use keywheel_domain::ports::{Finding, Issuer, Severity};
use serde_json::json;

use crate::real::support::*;

async fn findings(issuer: &dyn Issuer, current: &keywheel_domain::ports::VersionMaterial) -> Vec<Finding> {
    issuer.preflight(Some(current)).await.unwrap()
}

fn blockers(findings: &[Finding]) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocker)
        .collect()
}

#[tokio::test]
async fn a_server_that_is_set_up_as_the_readme_says_has_no_blocker_and_no_warning() {
    for (name, strategy) in [
        ("goimg", "dual_password"),
        ("goimg", "twin_users"),
        ("default", "dual_password"),
    ] {
        let server = server(name, "first-password").await;
        let issuer = issuer(
            &[server.port()],
            json!({ "user": name, "kind": strategy, "kill_connections": true }),
        );
        let before = root_of(&server).await.ask(&["ACL", "LIST"]).await;
        let found = findings(&*issuer, &version(1, name, "first-password")).await;
        let bad: Vec<_> = found
            .iter()
            .filter(|finding| finding.severity != Severity::Fine)
            .collect();
        assert!(bad.is_empty() && found.len() > 3, "{bad:#?}");
        assert_eq!(root_of(&server).await.ask(&["ACL", "LIST"]).await, before);
    }
}

#[tokio::test]
async fn rights_that_are_missing_come_with_the_command_that_grants_them() {
    let server = server("goimg", "first-password").await;
    root_of(&server)
        .await
        .ask(&[
            "ACL",
            "SETUSER",
            ADMIN,
            "-acl|setuser",
            "-config|rewrite",
            "-client|kill",
        ])
        .await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let found = findings(&*issuer, &version(1, "goimg", "first-password")).await;
    let blockers = blockers(&found);
    assert_eq!(blockers.len(), 1, "{blockers:#?}");
    assert_eq!(blockers[0].fix, "ACL SETUSER keywheel +acl|setuser +config|rewrite");
}

#[tokio::test]
async fn rights_that_cannot_be_asked_for_are_a_warning() {
    let server = server("goimg", "first-password").await;
    root_of(&server)
        .await
        .ask(&["ACL", "SETUSER", ADMIN, "-acl|dryrun"])
        .await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let found = findings(&*issuer, &version(1, "goimg", "first-password")).await;
    assert!(blockers(&found).is_empty(), "{found:#?}");
    assert!(
        found.iter().any(|finding| finding.fix.contains("+acl|dryrun")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn the_state_of_the_user_is_looked_at() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let current = version(1, "goimg", "first-password");
    let mut root = root_of(&server).await;
    root.ask(&["ACL", "SETUSER", "goimg", ">another", ">and-another"]).await;
    let found = findings(&*issuer, &current).await;
    let warning = found
        .iter()
        .find(|finding| finding.severity == Severity::Warning)
        .unwrap();
    assert!(warning.detail.contains("2 more passwords"), "{warning:?}");

    root.ask(&["ACL", "SETUSER", "goimg", "nopass"]).await;
    let found = findings(&*issuer, &current).await;
    assert!(
        blockers(&found).iter().any(|finding| finding.detail.contains("nopass")),
        "{found:#?}"
    );

    root.ask(&["ACL", "SETUSER", "goimg", "resetpass", ">another"]).await;
    let found = findings(&*issuer, &current).await;
    assert!(
        blockers(&found)
            .iter()
            .any(|finding| finding.detail.contains("WRONGPASS")),
        "{found:#?}"
    );

    root.ask(&["ACL", "DELUSER", "goimg"]).await;
    let found = findings(&*issuer, &current).await;
    assert!(
        blockers(&found)
            .iter()
            .any(|finding| finding.detail.contains("no such user")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_or_refuses_the_administrator_blocks() {
    let server = server("goimg", "first-password").await;
    let current = version(1, "goimg", "first-password");
    let found = findings(&*issuer(&[server.port(), 1], json!({ "user": "goimg" })), &current).await;
    assert!(blockers(&found)[0].detail.contains("127.0.0.1:1"), "{found:#?}");
    let stranger = findings(
        &*issuer(&[server.port()], json!({ "user": "goimg", "admin_user": "nobody" })),
        &current,
    )
    .await;
    assert!(
        blockers(&stranger)[0].detail.contains("own login was refused"),
        "{stranger:#?}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_keep_users_blocks_unless_that_is_accepted() {
    let server = memory_only().await;
    let current = version(1, "goimg", "first-password");
    let found = findings(&*issuer(&[server.port()], json!({ "user": "goimg" })), &current).await;
    assert!(
        blockers(&found)
            .iter()
            .any(|finding| finding.fix.contains("allow_unpersisted")),
        "{found:#?}"
    );
    let consent = json!({ "user": "goimg", "allow_unpersisted": "a cache" });
    let found = findings(&*issuer(&[server.port()], consent), &current).await;
    assert!(blockers(&found).is_empty(), "{found:#?}");
    assert!(
        found.iter().any(|finding| finding.detail.contains("a cache")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn a_quote_that_keeps_a_server_from_starting_blocks() {
    let server = Redis::start_with(&[("aclfile", "")]).await;
    set_up(&server, "goimg", "first-password").await;
    root_of(&server)
        .await
        .ask(&["ACL", "SETUSER", "o'brien", "on", ">x"])
        .await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let found = findings(&*issuer, &version(1, "goimg", "first-password")).await;
    assert!(
        blockers(&found).iter().any(|finding| finding.detail.contains("quote")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn legacy_servers_are_told_what_they_could_do_instead() {
    let server = Redis::start_with(&[("requirepass", "first-password")]).await;
    let config = config(&[server.port()], json!({ "kind": "in_place", "admin_user": null }));
    let fleets = keywheel_redis::Fleets::default();
    let issuer = keywheel_redis::RedisIssuer::new(config, None, &clock(), &fleets).unwrap();
    let found = findings(&issuer, &version(1, "default", "first-password")).await;
    assert!(blockers(&found).is_empty(), "{found:#?}");
    assert!(
        found.iter().any(|finding| finding.fix.contains("dual_password")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|finding| finding.detail.contains("the hand that feeds it")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn links_between_nodes_that_depend_on_the_user_are_named() {
    let master = server("goimg", "first-password").await;
    root_of(&master)
        .await
        .ask(&["ACL", "SETUSER", "goimg", "+psync", "+replconf"])
        .await;
    let replica = Redis::replica_with(&master, &[("masteruser", "goimg"), ("masterauth", "first-password")]).await;
    set_up(&replica, "goimg", "first-password").await;
    root_of(&replica)
        .await
        .ask(&["ACL", "SETUSER", "goimg", "+psync", "+replconf"])
        .await;
    wait_for_link(&replica, "root", "roots-password").await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg" }));
    let found = findings(&*issuer, &version(1, "goimg", "first-password")).await;
    assert!(blockers(&found).is_empty(), "{found:#?}");
    assert!(
        found
            .iter()
            .any(|finding| finding.detail.contains("the login at its master is made as goimg")),
        "{found:#?}"
    );
}
