//! Replicas, where changes arrive later.

use keywheel_domain::ports::{ErrorKind, Issuer, Severity, Usage};
use keywheel_testkit::containers::Postgres;
use serde_json::{Value, json};

use super::company::{adopted, company, connect, issuer, next, pause, staged};

fn with(replica: &Postgres, more: Value) -> Value {
    let mut all = json!({ "endpoint": [{ "host": "127.0.0.1", "port": replica.port(), "tls": "disable" }] });
    let more = more.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(more);
    all
}

#[tokio::test]
async fn a_version_is_proved_and_ended_at_each_endpoint() {
    let primary = company().await;
    let replica = Postgres::replica_of(&primary, &[]).await;
    let issuer = issuer(primary.port(), with(&replica, json!({ "terminate_sessions": true })));
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Fine),
        "{found:?}"
    );
    let new = staged(&issuer, &adopted()).await;
    let proof = issuer.prove(&new).await.unwrap().detail;
    assert!(
        proof.contains(&format!("replica 127.0.0.1:{}", replica.port())),
        "{proof}"
    );
    let reader = connect(replica.port(), &adopted(), "goimg-reports").await.unwrap();
    let Usage::InUse(facts) = issuer.usage(&adopted(), jiff::Timestamp::UNIX_EPOCH).await.unwrap() else {
        panic!("the reader is not seen");
    };
    assert!(
        facts[0].subject.contains("replica") && facts[0].detail.contains("goimg-reports"),
        "{facts:?}"
    );
    issuer.suspend(&adopted()).await.unwrap();
    let unused = issuer.usage(&adopted(), jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(
        matches!(&unused, Usage::Unused(facts) if facts.len() == 2),
        "{unused:?}"
    );
    issuer.retire(&adopted()).await.unwrap();
    let dead = issuer.prove_dead(&adopted()).await.unwrap().detail;
    assert_eq!(dead.matches("28P01").count(), 2, "{dead}");
    drop(reader);
}

#[tokio::test]
async fn a_replica_that_lags_neither_refuses_nor_is_dead_too_early() {
    let primary = company().await;
    let replica = Postgres::replica_of(&primary, &[]).await;
    let hasty = issuer(primary.port(), with(&replica, json!({ "replica_wait": "300ms" })));
    let patient = issuer(primary.port(), with(&replica, json!({ "replica_wait": "20s" })));
    hasty.prove(&adopted()).await.unwrap();
    replica.sql("SELECT pg_wal_replay_pause()").await;
    let new = next(&hasty, &adopted()).await;
    hasty.stage(&new).await.unwrap();
    let lagging = hasty.prove(&new).await.unwrap_err();
    assert_eq!(lagging.kind, ErrorKind::Unavailable, "{}", lagging.chain());
    assert!(
        lagging.message().contains("has not got yet what the primary has"),
        "{lagging}"
    );
    assert_eq!(
        hasty.prove_dead(&new).await.unwrap_err().kind,
        ErrorKind::Conflict,
        "the primary takes it"
    );
    hasty.retire(&adopted()).await.unwrap();
    let unknown = hasty.prove_dead(&adopted()).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Unavailable, "{}", unknown.chain());
    let resumed = async {
        pause(400).await;
        replica.sql("SELECT pg_wal_replay_resume()").await;
    };
    let (proof, ()) = futures_util::future::join(patient.prove(&new), resumed).await;
    proof.unwrap();
    patient.prove_dead(&adopted()).await.unwrap();
    // It has everything now: what it refuses it refuses.
    let wrong = super::company::version(1, "goimg_a", "not-the-password");
    assert_eq!(hasty.prove(&wrong).await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_replica_that_is_away_proves_nothing_and_blocks() {
    let primary = company().await;
    let replica = Postgres::replica_of(&primary, &[]).await;
    let issuer = issuer(primary.port(), with(&replica, json!({})));
    replica.stop().await;
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Unavailable);
    let wrong = super::company::version(1, "goimg_a", "not-the-password");
    assert_eq!(
        issuer.prove_dead(&wrong).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    assert!(issuer.usage(&adopted(), jiff::Timestamp::UNIX_EPOCH).await.is_err());
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(found.iter().any(|finding| finding.severity == Severity::Blocker));
}

#[tokio::test]
async fn a_standby_is_no_place_for_changes() {
    let primary = company().await;
    let replica = Postgres::replica_of(&primary, &[]).await;
    for kind in ["twin_roles", "in_place"] {
        let issuer = issuer(replica.port(), json!({ "kind": kind }));
        let found = issuer.preflight(Some(&adopted())).await.unwrap();
        assert!(
            found
                .iter()
                .any(|finding| finding.severity == Severity::Blocker && finding.detail.contains("standby"))
        );
        let new = next(&issuer, &adopted()).await;
        let refused = if kind == "in_place" {
            issuer.replace(&new).await
        } else {
            issuer.stage(&new).await
        };
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Unavailable);
    }
}
