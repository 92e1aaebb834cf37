//! Replicas and clusters: every node or none.

use keywheel_domain::ports::{Effect, ErrorKind, Issuer};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

/// A master and a replica that logs in at it as `goimg`.
async fn pair() -> (Redis, Redis) {
    pair_with(&[]).await
}

async fn pair_with(settings: &[(&str, &str)]) -> (Redis, Redis) {
    let master = server("goimg", "first-password").await;
    let settings = [&[("masteruser", "goimg"), ("masterauth", "first-password")], settings].concat();
    let mut root = root_of(&master).await;
    root.ask(&["ACL", "SETUSER", "goimg", "+psync", "+replconf"]).await;
    root.ask(&["ACL", "SAVE"]).await;
    let replica = Redis::replica_with(&master, &settings).await;
    set_up(&replica, "goimg", "first-password").await;
    wait_for_link(&replica, "root", "roots-password").await;
    (master, replica)
}

#[tokio::test]
async fn replicas_are_found_changed_and_proved_and_keep_their_link() {
    let (master, replica) = pair().await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    let staged = issuer.stage(&new).await.unwrap();
    assert!(staged.detail.contains(&replica.port().to_string()), "{}", staged.detail);
    assert!(works(replica.port(), &new).await);
    issuer.prove(&new).await.unwrap();
    let suspended = issuer.suspend(&old).await.unwrap();
    assert!(
        suspended.detail.contains("1 login between nodes moved"),
        "{}",
        suspended.detail
    );
    issuer.retire(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    assert!(!works(replica.port(), &old).await);

    root_of(&master).await.ask(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    pause(100).await;
    wait_for_link(&replica, "root", "roots-password").await;
    for server in [&replica, &master] {
        server.restart().await;
    }
    wait_for_link(&replica, "root", "roots-password").await;
    issuer.prove_dead(&old).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn one_node_that_says_otherwise_is_enough_and_is_named() {
    let (master, replica) = pair().await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    let mut root = root_of(&replica).await;
    let forget = format!("<{}", password(&new));
    assert_eq!(root.ask(&["ACL", "SETUSER", "goimg", &forget]).await, "OK");
    let refused = issuer.prove(&new).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Refused, "{refused}");
    assert!(refused.message().contains(&replica.port().to_string()), "{refused}");

    issuer.stage(&new).await.unwrap();
    issuer.retire(&old).await.unwrap();
    root.ask(&["ACL", "SETUSER", "goimg", ">first-password"]).await;
    let alive = issuer.prove_dead(&old).await.unwrap_err();
    assert_eq!(alive.kind, ErrorKind::Conflict, "{alive}");
    assert!(alive.message().contains(&replica.port().to_string()), "{alive}");
    assert!(!alive.message().contains(&master.port().to_string()), "{alive}");
}

#[tokio::test]
async fn a_rotation_that_is_undone_after_the_suspension_gives_replicas_back_what_works() {
    let (master, replica) = pair().await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    issuer.reinstate(&old).await.unwrap();
    issuer.retire(&new).await.unwrap();
    let auth = root_of(&replica).await.ask(&["CONFIG", "GET", "masterauth"]).await;
    assert_eq!(auth, "masterauth\nfirst-password");
    root_of(&master).await.ask(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    pause(100).await;
    wait_for_link(&replica, "root", "roots-password").await;
}

#[tokio::test]
async fn a_link_is_not_left_with_a_version_that_goes_while_nobody_knows_another() {
    let (master, replica) = pair().await;
    let first = issuer(&[master.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*first, &old).await;
    first.stage(&new).await.unwrap();
    // A process that was restarted has seen no version yet.
    let second = issuer(&[master.port()], json!({ "user": "goimg" }));
    let held = second.suspend(&old).await.unwrap_err();
    assert_eq!(
        (held.kind, held.effect),
        (ErrorKind::Unavailable, Effect::None),
        "{held}"
    );
    assert!(works(master.port(), &old).await);
    second.prove(&new).await.unwrap();
    second.suspend(&old).await.unwrap();
    assert!(!works(replica.port(), &old).await);
}

#[tokio::test]
async fn after_a_containment_links_move_to_the_next_version() {
    let (master, replica) = pair().await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    issuer.suspend(&old).await.unwrap();
    let link = root_of(&replica).await.ask(&["INFO", "replication"]).await;
    assert!(link.contains("master_link_status:up"), "{link}");
    let new = next(&*issuer, &old).await;
    let staged = issuer.stage(&new).await.unwrap();
    assert!(
        staged.detail.contains("1 login between nodes moved"),
        "{}",
        staged.detail
    );
    let auth = root_of(&replica).await.ask(&["CONFIG", "GET", "masterauth"]).await;
    assert!(auth.ends_with(password(&new)));
}

#[tokio::test]
async fn twins_take_replicas_along() {
    let (master, replica) = pair().await;
    let issuer = issuer(&[master.port()], json!({ "user": "goimg", "kind": "twin_users" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    let user = root_of(&replica).await.ask(&["CONFIG", "GET", "masteruser"]).await;
    assert_eq!(user, "masteruser\ngoimg_a");
    root_of(&master).await.ask(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    pause(100).await;
    wait_for_link(&replica, "root", "roots-password").await;
}

#[tokio::test]
async fn a_node_that_is_down_fails_every_step_and_is_never_skipped() {
    let (master, replica) = pair().await;
    let nodes = [master.port(), replica.port()];
    let issuer = issuer(&nodes, json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    replica.stop().await;
    pause(2_100).await;
    let failed = issuer.stage(&new).await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unavailable, "{failed}");
    assert!(failed.message().contains(&replica.port().to_string()), "{failed}");
    assert!(!works(master.port(), &new).await, "nothing was changed anywhere");
    let unknown = issuer.prove_dead(&version(1, "goimg", "wrong")).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Unavailable, "{unknown}");
    replica.start_again().await;
    pause(2_100).await;
    issuer.stage(&new).await.unwrap();
    assert!(works(replica.port(), &new).await);
}

#[tokio::test]
async fn where_one_node_was_changed_and_another_did_not_answer_the_effect_is_unknown() {
    let (master, replica) = pair().await;
    let proxy = Proxy::start(replica.port()).await;
    let more = json!({ "user": "goimg", "discover": false });
    let issuer = issuer(&[master.port(), proxy.port()], more);
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    proxy.lose_answer_to("SETUSER");
    let failed = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (failed.kind, failed.effect),
        (ErrorKind::Unavailable, Effect::Unknown),
        "{failed}"
    );
    assert!(works(master.port(), &new).await);
    proxy.heal();
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn every_node_of_a_cluster_is_found_through_one() {
    let nodes = Redis::start_cluster(&[]).await;
    for node in &nodes {
        set_up(node, "goimg", "first-password").await;
    }
    let issuer = issuer(&[nodes[0].port()], json!({ "user": "goimg", "mode": "cluster" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    issuer.retire(&old).await.unwrap();
    let dead = issuer.prove_dead(&old).await.unwrap();
    for node in &nodes {
        assert!(dead.detail.contains(&node.port().to_string()), "{}", dead.detail);
        assert!(works(node.port(), &new).await && !works(node.port(), &old).await);
    }
    nodes[2].stop().await;
    pause(2_100).await;
    assert_eq!(issuer.prove_dead(&old).await.unwrap_err().kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_nodes_call_each_other_can_be_mapped() {
    let (master, replica) = pair_with(&[("replica-announce-ip", "10.255.255.1")]).await;
    let called = format!("10.255.255.1:{}", replica.port());
    let reached = format!("127.0.0.1:{}", replica.port());
    let issuer = issuer(
        &[master.port()],
        json!({ "user": "goimg", "aliases": { called: reached } }),
    );
    let proved = issuer.prove(&version(1, "goimg", "first-password")).await.unwrap();
    assert!(proved.detail.contains(&replica.port().to_string()), "{}", proved.detail);
}

#[tokio::test]
async fn a_sentinel_is_not_taken_for_a_server() {
    let master = server("goimg", "first-password").await;
    let settings = [
        ("user", "root on >roots-password ~* &* +@all"),
        ("sentinel auth-user", "db root"),
        ("sentinel auth-pass", "db roots-password"),
    ];
    let sentinel = Redis::start_sentinel("db", &master, &settings).await;
    let admin = format!(">{ADMIN_PASSWORD}");
    let mut client = Client::connect(sentinel.port()).await.unwrap();
    assert_eq!(
        client.ask(&["ACL", "SETUSER", ADMIN, "on", &admin, "+@all"]).await,
        "OK"
    );
    let issuer = issuer(&[sentinel.port()], json!({ "user": "goimg" }));
    let refused = issuer.prove(&version(1, "goimg", "first-password")).await.unwrap_err();
    assert!(refused.message().contains("is a Sentinel"), "{refused}");
}
