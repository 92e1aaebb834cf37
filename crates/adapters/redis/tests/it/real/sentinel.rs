//! Sentinels, and what they watch.

use keywheel_domain::ports::{ErrorKind, Issuer, Severity};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

struct Watched {
    master: Redis,
    replica: Redis,
    sentinels: Vec<Redis>,
}

async fn may_everything(server: &Redis) {
    let mut root = root_of(server).await;
    root.ask(&["ACL", "SETUSER", "default", "+@all"]).await;
    root.ask(&["ACL", "SAVE"]).await;
}

/// A master, a replica and two Sentinels that all log in at each other as `default`.
async fn watched() -> Watched {
    let master = server("default", "first-password").await;
    may_everything(&master).await;
    let replica = Redis::replica_with(&master, &[("masterauth", "first-password")]).await;
    set_up(&replica, "default", "first-password").await;
    may_everything(&replica).await;
    wait_for_link(&replica, "root", "roots-password").await;
    let admin = format!("{ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all");
    let mut sentinels = Vec::new();
    for _ in 0..2 {
        let settings = [
            ("user", "default on >first-password ~* &* +@all"),
            ("user", "root on >roots-password ~* &* +@all"),
            ("user", admin.as_str()),
            ("sentinel auth-pass", "db first-password"),
            ("sentinel sentinel-pass", "first-password"),
        ];
        sentinels.push(Redis::start_sentinel("db", &master, &settings).await);
    }
    let all = Watched {
        master,
        replica,
        sentinels,
    };
    wait_for("the acquaintance of the Sentinels", async || {
        all.know_each_other().await
    })
    .await;
    all
}

impl Watched {
    fn issuer(&self, more: serde_json::Value) -> std::sync::Arc<keywheel_redis::RedisIssuer> {
        let mut all = json!({ "mode": "sentinel", "master": "db" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issuer(&[self.sentinels[0].port()], all)
    }

    async fn know_each_other(&self) -> bool {
        for sentinel in &self.sentinels {
            let properties = root_of(sentinel).await.ask(&["SENTINEL", "MASTER", "db"]).await;
            if !properties.contains("num-slaves\n1") || !properties.contains("num-other-sentinels\n1") {
                return false;
            }
        }
        self.are_well().await
    }

    /// Whether every Sentinel reaches what it watches, and the other one.
    async fn are_well(&self) -> bool {
        for sentinel in &self.sentinels {
            let mut root = root_of(sentinel).await;
            for what in ["MASTER", "REPLICAS", "SENTINELS"] {
                let properties = root.ask(&["SENTINEL", what, "db"]).await;
                if properties.contains("disconnected") || properties.contains("s_down") {
                    return false;
                }
            }
        }
        true
    }
}

#[tokio::test]
async fn sentinels_and_what_they_watch_move_to_the_new_version_before_the_old_one_goes() {
    let all = watched().await;
    let issuer = all.issuer(json!({ "sentinel_clients": true }));
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.prove(&old).await.unwrap();
    issuer.stage(&new).await.unwrap();
    let proved = issuer.prove(&new).await.unwrap();
    for server in all.sentinels.iter().chain([&all.master, &all.replica]) {
        assert!(proved.detail.contains(&server.port().to_string()), "{}", proved.detail);
    }
    let suspended = issuer.suspend(&old).await.unwrap();
    assert!(
        suspended.detail.contains("5 logins between nodes moved"),
        "{}",
        suspended.detail
    );
    issuer.retire(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    wait_for("a quiet night", async || all.are_well().await).await;

    for server in all.sentinels.iter().chain([&all.replica, &all.master]) {
        server.restart().await;
    }
    wait_for_link(&all.replica, "root", "roots-password").await;
    wait_for("a quiet night", async || all.are_well().await).await;
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
}

#[tokio::test]
async fn sentinels_without_clients_keep_their_own_passwords() {
    let all = watched().await;
    let issuer = all.issuer(json!({}));
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    assert!(
        Client::log_in(all.sentinels[0].port(), "default", "first-password")
            .await
            .is_ok()
    );
    wait_for("a quiet night", async || all.are_well().await).await;
}

#[tokio::test]
async fn a_password_that_a_sentinel_cannot_keep_is_refused_before_anything_goes() {
    let all = watched().await;
    let issuer = all.issuer(json!({}));
    let old = version(1, "default", "first-password");
    let quoted = version(2, "default", "a\"b c");
    issuer.stage(&quoted).await.unwrap();
    let refused = issuer.suspend(&old).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    assert!(works(all.master.port(), &old).await);
}

#[tokio::test]
async fn an_unknown_master_is_named() {
    let all = watched().await;
    let issuer = all.issuer(json!({ "master": "mymaster" }));
    let refused = issuer
        .prove(&version(1, "default", "first-password"))
        .await
        .unwrap_err();
    assert!(refused.message().contains("mymaster"), "{refused}");
}

#[tokio::test]
async fn sentinels_follow_a_password_that_is_replaced() {
    let all = watched().await;
    let issuer = all.issuer(json!({ "kind": "in_place" }));
    let old = version(1, "default", "first-password");
    let new = next(&*issuer, &old).await;
    let replaced = issuer.replace(&new).await.unwrap();
    assert!(
        replaced.detail.contains("3 logins between nodes moved"),
        "{}",
        replaced.detail
    );
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    wait_for("a quiet night", async || all.are_well().await).await;
}

#[tokio::test]
async fn a_preflight_names_a_sentinel_that_would_be_left_behind() {
    let all = watched().await;
    let issuer = all.issuer(json!({}));
    let current = version(1, "default", "first-password");
    let warned = async || {
        let found = issuer.preflight(Some(&current)).await.unwrap();
        let blocker = found.iter().find(|finding| finding.severity == Severity::Blocker);
        assert_eq!(blocker, None);
        found
            .iter()
            .any(|finding| finding.detail.contains("connected to no node"))
    };
    assert!(!warned().await);
    let mut root = root_of(&all.sentinels[1]).await;
    assert_eq!(root.ask(&["SENTINEL", "SET", "db", "auth-pass", "wrong"]).await, "OK");
    wait_for("the warning", warned).await;
}
