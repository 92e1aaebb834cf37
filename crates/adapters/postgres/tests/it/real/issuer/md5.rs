//! Servers that are set to MD5.

use keywheel_domain::ports::{ErrorKind, Issuer, Severity};
use keywheel_testkit::containers::Postgres;
use serde_json::json;

use super::company::{adopted, issuer, next, set_up, staged};

async fn server() -> Postgres {
    let server = Postgres::start_with(&[("password_encryption", "md5")]).await;
    // Clients that can do MD5 alone.
    let lines = "printf '%s\\n' 'local all all trust' 'host all keywheel,postgres all md5' 'host all all all md5' > \"$PGDATA/pg_hba.conf\"";
    server.execute(&["sh", "-c", lines]).await;
    server.sql("SELECT pg_reload_conf()").await;
    set_up(&server).await;
    server
}

#[tokio::test]
async fn a_server_that_is_set_to_md5_is_refused_clearly() {
    let server = server().await;
    for kind in ["twin_roles", "in_place"] {
        let issuer = issuer(server.port(), json!({ "kind": kind }));
        let found = issuer.preflight(None).await.unwrap();
        let blocker = found
            .iter()
            .find(|finding| finding.severity == Severity::Blocker)
            .unwrap();
        assert!(
            blocker.fix.contains("scram-sha-256") && blocker.fix.contains("allow_md5"),
            "{blocker:?}"
        );
        let new = next(&issuer, &adopted()).await;
        let refused = match kind {
            "in_place" => issuer.replace(&new).await.unwrap_err(),
            _ => issuer.stage(&new).await.unwrap_err(),
        };
        assert_eq!(refused.kind, ErrorKind::Unsupported);
        // And no hash of a password is sent to a server that asks for one.
        let exposed = issuer.prove(&adopted()).await.unwrap_err();
        assert!(exposed.message().contains("an MD5 hash"), "{exposed}");
    }
}

#[tokio::test]
async fn where_it_is_asked_for_md5_works() {
    let server = server().await;
    let issuer = issuer(server.port(), json!({ "allow_md5": true }));
    issuer.prove(&adopted()).await.unwrap();
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.severity == Severity::Warning && finding.detail.contains("MD5"))
    );
    let new = staged(&issuer, &adopted()).await;
    assert!(issuer.prove(&new).await.unwrap().detail.contains("by MD5"));
    let stored = server
        .sql("SELECT left(rolpassword, 3) FROM pg_authid WHERE rolname = 'goimg_a'")
        .await;
    assert_eq!(stored, "md5");
    issuer.retire(&adopted()).await.unwrap();
    issuer.prove_dead(&adopted()).await.unwrap();
}
