//! TLS with certificates of a private authority. The key is nobody's secret: it was made for this test.

use keywheel_domain::ports::{ErrorKind, Issuer};
use serde_json::json;

use super::client::Client;
use super::support::*;

const CERTIFICATE: &str = include_str!("tls/server.pem");
const KEY: &str = include_str!("tls/server.key");

/// A file beside this one.
fn file(name: &str) -> String {
    format!("{}/tests/it/real/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A server that speaks TLS on a second port.
async fn encrypted() -> (Redis, u16) {
    let server = server("goimg", "first-password").await;
    for (name, text) in [("server.crt", CERTIFICATE), ("server.key", KEY)] {
        let write = format!("printf '%s' \"$0\" > /srv/keywheel/{name}");
        server.execute(&["sh", "-c", &write, text]).await;
    }
    let port = free_port();
    let mut root = root_of(&server).await;
    let settings = [
        "CONFIG",
        "SET",
        "tls-cert-file",
        "/srv/keywheel/server.crt",
        "tls-key-file",
        "/srv/keywheel/server.key",
        "tls-ca-cert-file",
        "/srv/keywheel/server.crt",
        "tls-auth-clients",
        "no",
        "tls-port",
        &port.to_string(),
    ];
    assert_eq!(root.ask(&settings).await, "OK");
    (server, port)
}

#[tokio::test]
async fn a_rotation_runs_over_tls_with_a_private_authority() {
    let (server, port) = encrypted().await;
    let more = json!({ "user": "goimg", "tls": { "ca_file": file("ca.pem") } });
    let issuer = issuer(&[port], more);
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    issuer.retire(&old).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
    assert!(Client::log_in(server.port(), "goimg", password(&new)).await.is_ok());
    let named = json!({ "user": "goimg", "tls": { "ca_file": file("ca.pem"), "server_name": "redis.internal" } });
    crate::real::support::issuer(&[port], named).prove(&new).await.unwrap();
}

#[tokio::test]
async fn nobody_is_talked_to_whose_certificate_is_of_somebody_else() {
    let (_server, port) = encrypted().await;
    let old = version(1, "goimg", "first-password");
    let wrong = [
        json!({ "ca_file": file("other.pem") }),
        json!({ "ca_file": file("ca.pem"), "server_name": "elsewhere.internal" }),
        json!({}),
    ];
    for tls in wrong {
        let issuer = issuer(&[port], json!({ "user": "goimg", "tls": tls }));
        let refused = issuer.prove(&old).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{refused}");
        assert!(refused.message().to_lowercase().contains("certificate"), "{refused}");
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_named() {
    let old = version(1, "goimg", "first-password");
    for (name, says) in [("no-such-file.pem", "No such file"), ("server.key", "no certificate")] {
        let issuer = issuer(&[1], json!({ "user": "goimg", "tls": { "ca_file": file(name) } }));
        let refused = issuer.prove(&old).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
        assert!(
            refused.message().contains(name) && refused.message().contains(says),
            "{refused}"
        );
    }
}
