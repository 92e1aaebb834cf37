//! Deleting sessions, and nothing else.

use keywheel_domain::ports::ErrorKind;
use keywheel_redis::{PurgeRequest, purge_sessions};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

async fn with_keys(count: usize) -> (Redis, Client) {
    let server = server("goimg", "first-password").await;
    let mut root = root_of(&server).await;
    root.ask(&[
        "ACL",
        "SETUSER",
        ADMIN,
        "+scan",
        "+unlink",
        "+select",
        "~session:*",
        "~s[1]*:*",
    ])
    .await;
    for number in 0..count {
        root.ask(&["SET", &format!("session:{number}"), "x"]).await;
        root.ask(&["SET", &format!("cache:{number}"), "x"]).await;
    }
    (server, root)
}

#[tokio::test]
async fn only_keys_under_the_prefix_go_and_they_are_counted() {
    let (server, mut root) = with_keys(500).await;
    let request = PurgeRequest {
        batch: 50,
        ..PurgeRequest::under("session:")
    };
    let mut told = 0;
    let purged = purge_sessions(
        &config(&[server.port()], json!({ "user": "goimg" })),
        source(),
        &clock(),
        &request,
        &mut |_| told += 1,
    )
    .await
    .unwrap();
    assert_eq!(
        (purged.found, purged.deleted, purged.masters, purged.complete),
        (500, 500, 1, true)
    );
    assert!(told > 5, "progress was told {told} times");
    assert_eq!(root.ask(&["DBSIZE"]).await, "500");
    let again = purge_sessions(
        &config(&[server.port()], json!({ "user": "goimg" })),
        source(),
        &clock(),
        &request,
        &mut |_| (),
    )
    .await
    .unwrap();
    assert_eq!((again.deleted, again.complete), (0, true));
}

#[tokio::test]
async fn keys_can_be_counted_without_the_right_to_delete_any() {
    let (server, mut root) = with_keys(300).await;
    root.ask(&["ACL", "SETUSER", ADMIN, "-unlink"]).await;
    for (at_most, expected) in [(1_000, (300, 0, true)), (100, (100, 0, false))] {
        let request = PurgeRequest {
            at_most,
            only_count: true,
            ..PurgeRequest::under("session:")
        };
        let config = config(&[server.port()], json!({ "user": "goimg" }));
        let counted = purge_sessions(&config, source(), &clock(), &request, &mut |_| ()).await;
        let counted = counted.unwrap();
        assert_eq!((counted.found, counted.deleted, counted.complete), expected);
    }
    assert_eq!(root.ask(&["DBSIZE"]).await, "600");
}

#[tokio::test]
async fn no_more_keys_go_than_were_allowed() {
    let (server, mut root) = with_keys(500).await;
    let request = PurgeRequest {
        at_most: 120,
        batch: 50,
        ..PurgeRequest::under("session:")
    };
    let purged = purge_sessions(
        &config(&[server.port()], json!({ "user": "goimg" })),
        source(),
        &clock(),
        &request,
        &mut |_| (),
    )
    .await
    .unwrap();
    assert_eq!((purged.deleted, purged.complete), (120, false));
    assert_eq!(root.ask(&["DBSIZE"]).await, "880");
}

#[tokio::test]
async fn another_database_and_a_prefix_full_of_signs_are_meant_literally() {
    let (server, mut root) = with_keys(0).await;
    root.ask(&["SELECT", "3"]).await;
    for key in ["s[1]?:a", "s1?:a", "s[1]x:b"] {
        root.ask(&["SET", key, "x"]).await;
    }
    root.ask(&["ACL", "SETUSER", ADMIN, "allkeys"]).await;
    let request = PurgeRequest {
        database: 3,
        ..PurgeRequest::under("s[1]?:")
    };
    let purged = purge_sessions(
        &config(&[server.port()], json!({ "user": "goimg" })),
        source(),
        &clock(),
        &request,
        &mut |_| (),
    )
    .await
    .unwrap();
    assert_eq!(purged.deleted, 1);
    assert_eq!(root.ask(&["DBSIZE"]).await, "2");
}

#[tokio::test]
async fn a_cluster_is_purged_master_by_master() {
    let nodes = Redis::start_cluster(&[]).await;
    for node in &nodes {
        set_up(node, "goimg", "first-password").await;
        let mut root = root_of(node).await;
        root.ask(&["ACL", "SETUSER", ADMIN, "+scan", "+unlink", "~session:*"])
            .await;
        for number in 0..300 {
            root.ask(&["SET", &format!("session:{number}"), "x"]).await;
            root.ask(&["SET", &format!("cache:{number}"), "x"]).await;
        }
    }
    let config = config(&[nodes[0].port()], json!({ "user": "goimg", "mode": "cluster" }));
    let purged = purge_sessions(
        &config,
        source(),
        &clock(),
        &PurgeRequest::under("session:"),
        &mut |_| (),
    )
    .await
    .unwrap();
    assert_eq!((purged.deleted, purged.masters, purged.complete), (300, 3, true));
    let mut left = 0;
    for node in &nodes {
        left += root_of(node).await.ask(&["DBSIZE"]).await.parse::<u64>().unwrap();
    }
    assert_eq!(left, 300);
}

#[tokio::test]
async fn a_request_that_means_everything_is_refused() {
    let server = server("goimg", "first-password").await;
    let config = config(&[server.port()], json!({ "user": "goimg" }));
    let refused = purge_sessions(&config, source(), &clock(), &PurgeRequest::under(""), &mut |_| ()).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Invalid);
}
