//! Servers with certificates. Those in `tls/` are for `localhost` alone, from an authority that nobody else knows.

use keywheel_domain::ports::{ErrorKind, Issuer, Severity};
use keywheel_testkit::containers::Postgres;
use serde_json::json;

use super::company::{adopted, company, issuer, staged};

const CERTIFICATE: &str = include_str!("tls/server.pem");
const KEY: &str = include_str!("tls/server.key");

fn file(name: &str) -> String {
    format!("{}/tests/it/real/issuer/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

async fn server() -> Postgres {
    let server = company().await;
    let write =
        format!("umask 077; echo '{CERTIFICATE}' > \"$PGDATA/server.crt\"; echo '{KEY}' > \"$PGDATA/server.key\"");
    server.execute(&["sh", "-c", &write]).await;
    server.sql("ALTER SYSTEM SET ssl = on").await;
    server.sql("SELECT pg_reload_conf()").await;
    server
}

#[tokio::test]
async fn a_server_of_a_private_authority_is_believed_under_its_own_name_alone() {
    let server = server().await;
    let at = |host: &str, ca: &str| {
        let admin = json!({ "host": host, "tls": "verify_full", "ca_file": file(ca) });
        issuer(server.port(), json!({ "admin": admin }))
    };
    let right = at("localhost", "authority.pem");
    let new = staged(&right, &adopted()).await;
    right.retire(&adopted()).await.unwrap();
    right.prove_dead(&adopted()).await.unwrap();
    let found = right.preflight(Some(&new)).await.unwrap();
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Fine),
        "{found:?}"
    );
    for wrong in [at("127.0.0.1", "authority.pem"), at("localhost", "other.pem")] {
        for refused in [
            wrong.prove(&new).await.unwrap_err(),
            wrong.stage(&new).await.unwrap_err(),
        ] {
            assert_eq!(refused.kind, ErrorKind::Invalid, "{}", refused.chain());
            assert!(refused.message().contains("not believed"), "{refused}");
        }
    }
}

#[tokio::test]
async fn without_a_file_the_authorities_of_the_web_count_and_a_private_one_is_none() {
    let server = server().await;
    let issuer = issuer(
        server.port(),
        json!({ "admin": { "host": "localhost", "tls": "verify_full" } }),
    );
    assert_eq!(issuer.prove(&adopted()).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    let server = company().await;
    let issuer = issuer(
        server.port(),
        json!({ "admin": { "host": "localhost", "tls": "require" } }),
    );
    let refused = issuer.prove(&adopted()).await.unwrap_err();
    assert!(refused.chain().contains("does not speak TLS"), "{}", refused.chain());
}

#[tokio::test]
async fn a_connection_that_is_only_encrypted_works_and_is_warned_about() {
    let server = server().await;
    let issuer = issuer(
        server.port(),
        json!({ "admin": { "host": "::ffff:127.0.0.1", "tls": "require" } }),
    );
    issuer.prove(&adopted()).await.unwrap();
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.detail.contains("anybody could be at the other end")),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_authority_that_is_none_is_named() {
    let server = server().await;
    for ca in [file("server.key"), file("missing.pem")] {
        let admin = json!({ "host": "localhost", "tls": "verify_full", "ca_file": ca });
        let issuer = issuer(server.port(), json!({ "admin": admin }));
        let refused = issuer.prove(&adopted()).await.unwrap_err();
        assert!(refused.chain().contains(&ca), "{}", refused.chain());
    }
}
