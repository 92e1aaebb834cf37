//! Redis servers: alone, replicated, watched by a Sentinel, in a cluster.

use std::ops::Deref;
use std::time::Duration;

use super::cluster;
use super::network::Network;
use super::port::Port;
use super::probe::{self, Protocol};
use super::server::{Plan, Server};
use super::tls::Tls;

/// One Redis server in a container of its own; removed when dropped.
///
/// It has a configuration file and an ACL file, so that `CONFIG REWRITE` and `ACL SAVE` work, and what they wrote is read again after
/// a restart. An ACL file makes Redis ignore `requirepass` and `user` lines: a server that is started with one of those, or with
/// `("aclfile", "")`, has none, and persists by `CONFIG REWRITE` alone. `execute(&["redis-cli", "-p", ..])` and `redis-benchmark` are there.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    /// The bus of a cluster's node.
    _bus: Option<Port>,
}

/// Where everything of a server lies, in its container.
const FOLDER: &str = "/srv/keywheel";

impl Redis {
    /// The configuration file, in the container.
    pub const CONFIG_FILE: &str = "/srv/keywheel/server.conf";
    /// The ACL file, in the container.
    pub const ACL_FILE: &str = "/srv/keywheel/users.acl";

    /// A server without passwords: the user `default` may do everything.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with lines of `redis.conf`, each by its directive and the rest. They win over ours.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::of("redis-server", &lines(settings), None).await
    }

    /// A server that speaks TLS alone, and the certificate of its authority in PEM, which a client has to trust. Settings as usual.
    pub async fn start_tls(settings: &[(&str, &str)]) -> (Self, String) {
        let tls = Tls::new();
        let files = [
            "tls-cert-file server.crt",
            "tls-key-file server.key",
            "tls-auth-clients no",
            "port 0",
        ];
        let all = [&files.map(str::to_owned), lines(settings).as_slice()].concat();
        let plan = |port: u16| Plan {
            environment: tls.environment().to_vec(),
            ..plan(
                "redis-server",
                Protocol::Tls,
                &[&[format!("tls-port {port}")], all.as_slice()].concat(),
            )
        };
        let server = Server::start(plan).await;
        (Self { server, _bus: None }, tls.authority)
    }

    /// A replica, with its link up.
    pub async fn replica_of(master: &Self) -> Self {
        let replica = Self::replica_with(master, &[]).await;
        replica.wait_for_link().await;
        replica
    }

    /// A replica with settings, `masteruser` and `masterauth` for example. Its link may still be down: see [`Self::wait_for_link`].
    pub async fn replica_with(master: &Self, settings: &[(&str, &str)]) -> Self {
        Network::here().expect_shared("a replica");
        let mut all = lines(settings);
        all.push(format!("replicaof 127.0.0.1 {}", master.port()));
        Self::of("redis-server", &all, None).await
    }

    /// A Sentinel that watches a master under a name, and decides alone. Settings such as `("sentinel auth-pass db", "secret")`.
    pub async fn start_sentinel(name: &str, master: &Self, settings: &[(&str, &str)]) -> Self {
        Network::here().expect_shared("a Sentinel");
        let monitor = format!("sentinel monitor {name} 127.0.0.1 {} 1", master.port());
        let given = settings.iter().map(|(directive, rest)| format!("{directive} {rest}"));
        let all: Vec<_> = std::iter::once(monitor).chain(given).collect();
        Self::of("redis-sentinel", &all, None).await
    }

    /// A cluster of three masters that share all slots.
    pub async fn start_cluster(settings: &[(&str, &str)]) -> [Self; 3] {
        Network::here().expect_shared("a cluster");
        let [a, b, c] = [Self::node(settings), Self::node(settings), Self::node(settings)];
        let nodes: [Self; 3] = futures_util::future::join3(a, b, c).await.into();
        cluster::join(&nodes).await;
        nodes
    }

    async fn node(settings: &[(&str, &str)]) -> Self {
        let bus = Port::take();
        let mut all = lines(settings);
        all.push(String::from("cluster-enabled yes"));
        all.push(format!("cluster-port {}", bus.number()));
        Self::of("redis-server", &all, Some(bus)).await
    }

    async fn of(program: &str, settings: &[String], bus: Option<Port>) -> Self {
        let plan = |port: u16| {
            plan(
                program,
                Protocol::Redis,
                &[&[format!("port {port}")], settings].concat(),
            )
        };
        let server = Server::start(plan).await;
        Self { server, _bus: bus }
    }

    /// Sends one command as an inline one, over a connection of its own, without a password; returns what came back first.
    pub async fn ask(&self, command: &str) -> String {
        match probe::ask(self.port(), format!("{command}\r\n").as_bytes()).await {
            Ok(answer) => String::from_utf8_lossy(&answer).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until a replica without a password has its link to the master.
    #[expect(clippy::disallowed_methods, reason = "real servers are waited for in real time")]
    pub async fn wait_for_link(&self) {
        const PATIENCE: u32 = 1_000;
        for _ in 0..PATIENCE {
            if self.ask("INFO replication").await.contains("master_link_status:up") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the replica has no link to its master. Its log:\n{}", self.log().await);
    }
}

impl Deref for Redis {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// How to start either program. Settings win over ours.
fn plan(program: &str, protocol: Protocol, settings: &[String]) -> Plan {
    let ours = [
        format!("bind {}", Network::here().listen()),
        String::from("protected-mode no"),
        format!("dir {FOLDER}"),
    ];
    Plan {
        image: "redis",
        protocol,
        arguments: [&[program.to_owned()], &ours[..], settings].concat(),
        environment: Vec::new(),
        disk: None,
    }
}

/// The lines of `redis.conf` that say so.
fn lines(settings: &[(&str, &str)]) -> Vec<String> {
    // A master waits five seconds for more replicas to come, unless it is told that there will be none.
    let mut lines = vec![String::from("save \"\""), String::from("repl-diskless-sync-delay 0")];
    let instead = |directive: &str| ["aclfile", "requirepass", "user"].contains(&directive);
    if !settings.iter().any(|(directive, _)| instead(directive)) {
        lines.push(format!("aclfile {}", Redis::ACL_FILE));
    }
    let given = settings.iter().filter(|setting| **setting != ("aclfile", ""));
    lines.extend(given.map(|(directive, rest)| format!("{directive} {rest}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::{Redis, lines};

    #[test]
    fn there_is_an_acl_file_unless_it_would_hide_what_is_asked_for() {
        let file = format!("aclfile {}", Redis::ACL_FILE);
        assert!(lines(&[("maxclients", "100")]).contains(&file));
        for instead in [("requirepass", "x"), ("user", "app on >x ~* +@all"), ("aclfile", "")] {
            assert!(!lines(&[instead]).contains(&file), "{instead:?}");
        }
        assert!(!lines(&[("aclfile", "")]).concat().contains("aclfile"));
    }
}
