//! What outlives a restart, and servers that cannot write it down.

use futures_util::future::join_all;
use keywheel_domain::ports::{Effect, ErrorKind, Issuer};
use serde_json::json;

use crate::real::support::*;

#[tokio::test]
async fn each_step_outlives_a_restart_whatever_the_server_keeps_users_in() {
    for settings in [&[][..], &[("aclfile", "")][..]] {
        let server = Redis::start_with(settings).await;
        set_up(&server, "goimg", "first-password").await;
        let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
        let old = version(1, "goimg", "first-password");
        let new = next(&*issuer, &old).await;
        issuer.stage(&new).await.unwrap();
        server.restart().await;
        assert!(works(server.port(), &old).await && works(server.port(), &new).await);
        issuer.suspend(&old).await.unwrap();
        server.restart().await;
        issuer.prove_dead(&old).await.unwrap();
        issuer.retire(&old).await.unwrap();
        server.restart().await;
        issuer.prove_dead(&old).await.unwrap();
        issuer.prove(&new).await.unwrap();
    }
}

#[tokio::test]
async fn twins_outlive_a_restart_in_a_configuration_file() {
    let server = Redis::start_with(&[("aclfile", "")]).await;
    set_up(&server, "goimg", "first-password").await;
    let mut root = root_of(&server).await;
    root.ask(&["ACL", "SETUSER", "goimg", "(~queue:* -@all +lpush)"]).await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg", "kind": "twin_users" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    issuer.stage(&new).await.unwrap();
    issuer.retire(&old).await.unwrap();
    server.restart().await;
    issuer.prove(&new).await.unwrap();
    issuer.prove_dead(&old).await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_written_fails_the_step_and_the_next_attempt_writes_it() {
    let server = server("goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let_write(&server, false).await;
    let failed = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (failed.kind, failed.effect),
        (ErrorKind::Storage, Effect::Unknown),
        "{failed}"
    );
    assert!(failed.message().contains("could not write its ACL file"), "{failed}");
    let again = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        again.kind,
        ErrorKind::Storage,
        "there is nothing left to change in memory, and it is not kept: {again}"
    );
    let_write(&server, true).await;
    issuer.stage(&new).await.unwrap();
    server.restart().await;
    assert!(works(server.port(), &old).await && works(server.port(), &new).await);
}

#[tokio::test]
async fn a_configuration_file_that_cannot_be_written_fails_the_step_too() {
    let server = Redis::start_with(&[("aclfile", "")]).await;
    set_up(&server, "goimg", "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": "goimg" }));
    let old = version(1, "goimg", "first-password");
    let new = next(&*issuer, &old).await;
    let_write(&server, false).await;
    server.execute(&["chmod", "400", Redis::CONFIG_FILE]).await;
    let failed = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (failed.kind, failed.effect),
        (ErrorKind::Storage, Effect::Unknown),
        "{failed}"
    );
    assert!(
        failed.message().contains("could not write its configuration file"),
        "{failed}"
    );
    let_write(&server, true).await;
    server.execute(&["chmod", "600", Redis::CONFIG_FILE]).await;
    issuer.stage(&new).await.unwrap();
    server.restart().await;
    assert!(works(server.port(), &old).await && works(server.port(), &new).await);
}

#[tokio::test]
async fn a_server_that_can_keep_nothing_needs_consent() {
    let server = memory_only().await;
    let old = version(1, "goimg", "first-password");
    let strict = issuer(&[server.port()], json!({ "user": "goimg" }));
    let new = next(&*strict, &old).await;
    let refused = strict.stage(&new).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Storage, "{refused}");
    assert!(refused.message().contains("allow_unpersisted"), "{refused}");
    let consenting = issuer(
        &[server.port()],
        json!({ "user": "goimg", "allow_unpersisted": "a cache that is never restarted" }),
    );
    let staged = consenting.stage(&new).await.unwrap();
    assert!(staged.detail.contains("memory only"), "{}", staged.detail);
}

#[tokio::test]
async fn many_rotations_at_once_share_their_saves() {
    const USERS: u64 = 200;
    let server = server("user-0", "first-password").await;
    let mut root = root_of(&server).await;
    for number in 1..USERS {
        let name = format!("user-{number}");
        root.ask(&["ACL", "SETUSER", &name, "on", ">first-password", "~*", "+@all"])
            .await;
    }
    let fleets = keywheel_redis::Fleets::default();
    let rotate = async |number: u64| {
        let name = format!("user-{number}");
        let config = config(&[server.port()], json!({ "user": name }));
        let issuer = keywheel_redis::RedisIssuer::new(config, source(), &clock(), &fleets).unwrap();
        let old = version(1, &name, "first-password");
        let new = next(&issuer, &old).await;
        issuer.stage(&new).await.unwrap();
        issuer.prove(&new).await.unwrap();
        issuer.retire(&old).await.unwrap();
        issuer.prove_dead(&old).await.unwrap();
    };
    join_all((0..USERS).map(rotate)).await;
    let stats = root.ask(&["INFO", "commandstats"]).await;
    let saves = stats
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_acl|save:calls="))
        .unwrap();
    let saves: u64 = saves.split(',').next().unwrap().parse().unwrap();
    assert!(
        saves < USERS / 2,
        "{saves} saves for {USERS} rotations of two changes each"
    );
    let connections = root.ask(&["CLIENT", "LIST"]).await.lines().count();
    assert!(connections < 20, "{connections} connections are open");
}
