//! Servers with users, issuers, and versions.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{Clock, Issuer, PortError, SecretSource, VersionMaterial};
use keywheel_redis::{Fleets, RedisConfig, RedisIssuer};
use keywheel_testkit::fake::entropy::FakeEntropy;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::real::client::Client;
pub(crate) use keywheel_testkit::containers::{Proxy, Redis};

pub(crate) const ADMIN: &str = "keywheel";
pub(crate) const ADMIN_PASSWORD: &str = "keywheels-own-password";

/// Real time: real servers do not live in any other.
#[derive(Debug)]
pub(crate) struct RealClock;

#[async_trait]
impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }

    #[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
    async fn sleep(&self, time: SignedDuration) {
        tokio::time::sleep(time.unsigned_abs()).await;
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}

pub(crate) async fn pause(milliseconds: i64) {
    clock().sleep(SignedDuration::from_millis(milliseconds)).await;
}

/// The administrator's password.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) String);

#[async_trait]
impl SecretSource for Fixed {
    async fn read(&self) -> Result<Secret, PortError> {
        Ok(secret(&self.0))
    }
}

pub(crate) fn source() -> Option<Arc<dyn SecretSource>> {
    Some(Arc::new(Fixed(ADMIN_PASSWORD.to_owned())))
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A configuration with these nodes and fields more.
pub(crate) fn config(nodes: &[u16], more: Value) -> RedisConfig {
    let nodes: Vec<_> = nodes.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let mut all = json!({ "nodes": nodes, "admin_user": ADMIN, "timeout": "30s" });
    for (key, value) in more.as_object().expect("fields") {
        match value {
            Value::Null => all.as_object_mut().unwrap().remove(key),
            value => all.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    serde_json::from_value(all).expect("the test's configuration is right")
}

pub(crate) fn issuer(nodes: &[u16], more: Value) -> Arc<RedisIssuer> {
    issuer_of(config(nodes, more))
}

pub(crate) fn issuer_of(config: RedisConfig) -> Arc<RedisIssuer> {
    Arc::new(RedisIssuer::new(config, source(), &clock(), &Fleets::default()).unwrap())
}

/// The administrator's rights as the README lists them.
pub(crate) fn admin_rights() -> String {
    let readme = include_str!("../../../README.md");
    let line = readme.lines().find(|line| line.starts_with("ACL SETUSER keywheel on"));
    let rules = line.expect("the README has the rights").split(' ').skip(4);
    let rules: Vec<_> = rules.filter(|rule| !rule.starts_with(['>', '#'])).collect();
    rules.join(" ")
}

/// A server with an administrator of those rights, and `user` with that password, in its ACL file.
pub(crate) async fn server(user: &str, password: &str) -> Redis {
    // A replica that comes later is served at once, and not after five seconds.
    let server = Redis::start_with(&[("repl-diskless-sync-delay", "0")]).await;
    set_up(&server, user, password).await;
    server
}

/// Gives a server without passwords those of the tests. The last one closes the door.
pub(crate) async fn set_up(server: &Redis, user: &str, password: &str) {
    set_up_at(server.port(), user, password).await;
    let mut root = root_of(server).await;
    if root.ask(&["ACL", "SAVE"]).await != "OK" {
        assert_eq!(root.ask(&["CONFIG", "REWRITE"]).await, "OK");
    }
}

async fn set_up_at(port: u16, user: &str, password: &str) {
    let mut client = Client::connect(port).await.unwrap();
    let rights = admin_rights();
    let password_rule = format!(">{ADMIN_PASSWORD}");
    let mut admin = vec!["ACL", "SETUSER", ADMIN, "on", &password_rule];
    admin.extend(rights.split(' '));
    assert_eq!(client.ask(&admin).await, "OK");
    let root = ["ACL", "SETUSER", "root", "on", ">roots-password", "~*", "&*", "+@all"];
    assert_eq!(client.ask(&root).await, "OK");
    let rule = format!(">{password}");
    let user = [
        "ACL",
        "SETUSER",
        user,
        "on",
        &rule,
        "~*",
        "&*",
        "+@all",
        "-@dangerous",
        "+info",
        "+client|list",
    ];
    assert_eq!(client.ask(&user).await, "OK");
    if user[2] != "default" {
        let closed = ["ACL", "SETUSER", "default", "resetpass", ">nobodys-password"];
        assert_eq!(client.ask(&closed).await, "OK");
    }
}

/// Somebody who may do everything.
pub(crate) async fn root_of(server: &Redis) -> Client {
    Client::log_in(server.port(), "root", "roots-password").await.unwrap()
}

pub(crate) fn version(number: u64, user: &str, password: &str) -> VersionMaterial {
    let material = Material::single("password", secret(password)).with("username", secret(user));
    VersionMaterial {
        id: id(number),
        material,
        attributes: [("username".to_owned(), user.to_owned())].into(),
    }
}

fn id(number: u64) -> VersionId {
    VersionId {
        credential: "goimg/redis".parse().unwrap(),
        number: VersionNumber(number),
    }
}

/// The next version after `current`, as the driver makes it.
pub(crate) async fn next(issuer: &dyn Issuer, current: &VersionMaterial) -> VersionMaterial {
    let id = id(current.id.number.0 + 1);
    let entropy = FakeEntropy::seeded(id.number.0 + u64::from(std::process::id()));
    let material = issuer.generate(&id, Some(&current.attributes), &entropy).await.unwrap();
    VersionMaterial {
        attributes: issuer.describe(&material).unwrap(),
        id,
        material,
    }
}

pub(crate) fn password(version: &VersionMaterial) -> &str {
    version.material.get("password").unwrap().expose_text().unwrap()
}

pub(crate) fn user(version: &VersionMaterial) -> &str {
    &version.attributes["username"]
}

/// Whether a client can log in with it at that port.
pub(crate) async fn works(port: u16, version: &VersionMaterial) -> bool {
    Client::log_in(port, user(version), password(version)).await.is_ok()
}

/// Waits until a replica has its link.
pub(crate) async fn wait_for_link(replica: &Redis, user: &str, password: &str) {
    let is_up = async || match Client::log_in(replica.port(), user, password).await {
        Ok(mut client) => client
            .ask(&["INFO", "replication"])
            .await
            .contains("master_link_status:up"),
        Err(_) => false,
    };
    wait_for("the link to the master", is_up).await;
}

/// A server with the usual users and no file to keep them in: a second one beside a server that has files.
pub(crate) struct MemoryOnly {
    port: u16,
    _beside: Redis,
}

impl MemoryOnly {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

pub(crate) async fn memory_only() -> MemoryOnly {
    let beside = Redis::start().await;
    let port = free_port();
    let port_text = port.to_string();
    let start = [
        "redis-server",
        "--port",
        &port_text,
        "--save",
        "",
        "--bind",
        "127.0.0.1",
        "--daemonize",
        "yes",
    ];
    beside.execute(&start).await;
    while Client::connect(port).await.is_err() {
        pause(10).await;
    }
    set_up_at(port, "goimg", "first-password").await;
    MemoryOnly { port, _beside: beside }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Whether the server can write into the folder of its files.
pub(crate) async fn let_write(server: &Redis, may: bool) {
    let mode = if may { "700" } else { "500" };
    server.execute(&["chmod", mode, "/srv/keywheel"]).await;
}

/// Looks until it is so, for a minute: the machine may be busy.
pub(crate) async fn wait_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so().await {
            return;
        }
        pause(20).await;
    }
    panic!("{what} did not come about");
}
