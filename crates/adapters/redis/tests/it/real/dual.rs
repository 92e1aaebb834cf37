//! Two passwords on one user.

use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::ports::{Effect, ErrorKind, Issuer};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

#[tokio::test]
async fn both_passwords_work_until_the_old_one_goes() {
    for name in ["goimg", "default"] {
        let server = server(name, "first-password").await;
        let issuer = issuer(&[server.port()], json!({ "user": name }));
        let old = version(1, name, "first-password");
        let new = next(&*issuer, &old).await;
        assert_eq!(issuer.prove(&new).await.unwrap_err().kind, ErrorKind::Refused);

        let staged = issuer.stage(&new).await.unwrap();
        assert_eq!(staged.kind, EvidenceKind::Changed);
        assert!(staged.detail.contains("kept in: ACL file"), "{}", staged.detail);
        assert!(works(server.port(), &old).await && works(server.port(), &new).await);
        let proved = issuer.prove(&new).await.unwrap();
        assert!(proved.detail.contains(&server.port().to_string()), "{}", proved.detail);

        issuer.suspend(&old).await.unwrap();
        assert!(!works(server.port(), &old).await && works(server.port(), &new).await);
        issuer.reinstate(&old).await.unwrap();
        assert!(works(server.port(), &old).await && works(server.port(), &new).await);
        assert_eq!(issuer.prove_dead(&old).await.unwrap_err().kind, ErrorKind::Conflict);

        issuer.retire(&old).await.unwrap();
        let dead = issuer.prove_dead(&old).await.unwrap();
        assert!(dead.detail.contains("WRONGPASS"), "{}", dead.detail);
        assert!(works(server.port(), &new).await);
    }
}

#[tokio::test]
async fn every_step_done_twice_is_done_once() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    for _ in 0..2 {
        issuer.stage(&new).await.unwrap();
    }
    for _ in 0..2 {
        issuer.suspend(&old).await.unwrap();
    }
    for _ in 0..2 {
        issuer.retire(&old).await.unwrap();
    }
    let user = root_of(&server).await.ask(&["ACL", "GETUSER", "goimg"]).await;
    assert_eq!(user.lines().filter(|line| line.len() == 64).count(), 1, "{user}");
}

#[tokio::test]
async fn a_rotation_that_is_undone_leaves_the_user_as_it_was() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let before = root_of(&server).await.ask(&["ACL", "LIST"]).await;
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    issuer.reinstate(&old).await.unwrap();
    issuer.retire(&new).await.unwrap();
    assert_eq!(root_of(&server).await.ask(&["ACL", "LIST"]).await, before);
    issuer.prove(&old).await.unwrap();
    issuer.prove_dead(&new).await.unwrap();
}

#[tokio::test]
async fn connections_outlive_their_password_and_passwords_of_others_are_left_alone() {
    let server = server("goimg", "first-password").await;
    let mut root = root_of(&server).await;
    root.ask(&["ACL", "SETUSER", "goimg", ">somebody-elses"]).await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let mut open = Client::log_in(server.port(), "goimg", "first-password").await.unwrap();
    issuer.stage(&new).await.unwrap();
    issuer.suspend(&old).await.unwrap();
    issuer.retire(&old).await.unwrap();
    assert_eq!(open.ask(&["SET", "key", "value"]).await, "OK");
    assert!(Client::log_in(server.port(), "goimg", "somebody-elses").await.is_ok());
}

#[tokio::test]
async fn a_user_that_is_not_there_is_never_made_and_one_that_is_off_never_turned_on() {
    let server = server("goimg", "first-password").await;
    let nobody = issuer(&[server.port()], json!({ "user": "nobody" }));
    let refused = nobody
        .stage(&version(2, "nobody", "second-password"))
        .await
        .unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::NotFound, Effect::None));
    let mut root = root_of(&server).await;
    assert_eq!(root.ask(&["ACL", "GETUSER", "nobody"]).await, "nil");
    nobody.retire(&version(2, "nobody", "second-password")).await.unwrap();

    root.ask(&["ACL", "SETUSER", "goimg", "off"]).await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let refused = issuer.stage(&version(2, "goimg", "second-password")).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Invalid, Effect::None));
    root.ask(&["ACL", "SETUSER", "goimg", "on", "nopass"]).await;
    assert!(issuer.stage(&version(2, "goimg", "second-password")).await.is_err());
    let alive = issuer
        .prove_dead(&version(1, "goimg", "first-password"))
        .await
        .unwrap_err();
    assert_eq!(
        alive.kind,
        ErrorKind::Conflict,
        "a user that accepts everything refuses nothing"
    );
}

#[tokio::test]
async fn a_check_that_fails_is_no_refusal() {
    let server = server("goimg", "first-password").await;
    let old = version(1, "goimg", "first-password");
    let may = issuer(
        &[server.port()],
        json!({ "user": "goimg", "check": ["GET", "app:version"] }),
    );
    may.prove(&old).await.unwrap();
    let may_not = issuer(&[server.port()], json!({ "user": "goimg", "check": ["FLUSHALL"] }));
    let failed = may_not.prove(&old).await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Forbidden, "{failed}");
    root_of(&server).await.ask(&["SET", "key", "value"]).await;
    let refused = may_not.prove(&version(1, "goimg", "wrong")).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Refused, "{refused}");
    assert_eq!(
        root_of(&server).await.ask(&["GET", "key"]).await,
        "value",
        "no check was made as somebody else"
    );
}

#[tokio::test]
async fn a_containment_refuses_the_only_password_and_the_next_one_opens_again() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kill_connections": true }));
    let old = version(1, "goimg", "first-password");
    let mut intruder = Client::log_in(server.port(), "goimg", "first-password").await.unwrap();
    let suspended = issuer.suspend(&old).await.unwrap();
    assert!(
        suspended.detail.contains("connections closed: 1"),
        "{}",
        suspended.detail
    );
    assert!(intruder.ask(&["PING"]).await.starts_with("lost"));
    issuer.prove_dead(&old).await.unwrap();
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}
