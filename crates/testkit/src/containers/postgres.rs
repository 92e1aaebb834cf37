//! PostgreSQL servers.

use std::ops::Deref;

use super::network::Network;
use super::probe::Protocol;
use super::server::{Disk, Plan, Server};
use super::tls::Tls;

/// One PostgreSQL server in a container of its own; removed when dropped.
///
/// Its superuser is `postgres` and so is its first database. Inside of the container, `execute(&["psql", "-c", "select 1"])` needs
/// neither address nor password; `pgbench` is there too.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
}

impl Postgres {
    /// The superuser.
    pub const USER: &str = "postgres";
    /// The superuser's password.
    pub const PASSWORD: &str = "keywheel";
    /// A database that is there from the start.
    pub const DATABASE: &str = "postgres";

    /// Settings of a server that loses nothing when it is killed.
    pub const DURABLE: [(&str, &str); 2] = [("fsync", "on"), ("full_page_writes", "on")];

    /// A server with default settings, but for speed where only a power cut would show the difference.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with settings of `postgresql.conf`. They win over ours.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::of(settings, &[], None).await
    }

    /// A server that also speaks TLS, and the certificate of its authority in PEM, which a client has to trust. Settings as usual.
    pub async fn start_tls(settings: &[(&str, &str)]) -> (Self, String) {
        let tls = Tls::new();
        let with = [
            ("ssl", "on"),
            ("ssl_cert_file", "server.crt"),
            ("ssl_key_file", "server.key"),
        ];
        let server = Self::of(&[&with, settings].concat(), &tls.environment(), None).await;
        (server, tls.authority)
    }

    /// A server whose disk has room for so many MiB, 80 at least, so that a test can fill it: see [`Self::fill_disk`].
    ///
    /// The disk is memory, and empty again when the server was stopped.
    pub async fn start_on_small_disk(megabytes: u32, settings: &[(&str, &str)]) -> Self {
        Self::of(settings, &[], Some(Disk::Memory(megabytes))).await
    }

    /// A read replica, which follows from the moment that it serves clients. Settings such as `recovery_min_apply_delay` let it lag.
    pub async fn replica_of(primary: &Self, settings: &[(&str, &str)]) -> Self {
        Network::here().expect_shared("a replica");
        let (user, password, port) = (Self::USER, Self::PASSWORD, primary.port());
        let connection = format!("host=127.0.0.1 port={port} user={user} password={password}");
        Self::of(settings, &[("PRIMARY", connection)], Some(Disk::Volume)).await
    }

    async fn of(settings: &[(&str, &str)], environment: &[(&'static str, String)], disk: Option<Disk>) -> Self {
        let listen = Network::here().listen();
        let ours = [("listen_addresses", listen), ("unix_socket_directories", "/tmp")];
        let all = ours.iter().chain(&FAST).chain(settings);
        let arguments: Vec<_> = all.map(|(name, value)| line(name, value)).collect();
        let folder = disk.map(|disk| ("DISK", disk.folder().to_owned()));
        let environment: Vec<_> = environment.iter().cloned().chain(folder).collect();
        let plan = |port: u16| Plan {
            image: "postgres",
            protocol: Protocol::Postgres,
            arguments: arguments.clone(),
            environment: [&[("PGPORT", port.to_string())], environment.as_slice()].concat(),
            disk,
        };
        let server = Server::start(plan).await;
        Self { server }
    }

    /// How `libpq` and `sqlx` connect to a database of it as the superuser.
    pub fn url(&self, database: &str) -> String {
        let (user, password, port) = (Self::USER, Self::PASSWORD, self.port());
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Runs SQL as the superuser in the first database, and returns the rows, with `|` between columns.
    pub async fn sql(&self, sql: &str) -> String {
        let psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"];
        let stop = ["--set", "ON_ERROR_STOP=1", "--dbname", Self::DATABASE, "--command", sql];
        let rows = self.execute(&[&psql[..], &stop].concat()).await;
        rows.trim_end().to_owned()
    }

    /// Writes until a server on a small disk has no room left.
    pub async fn fill_disk(&self) {
        let fill = ["dd", "if=/dev/zero", "bs=64k", "of=/memory/ballast"];
        let filled = self.try_execute(&fill).await;
        assert!(
            filled.errors.contains("No space left"),
            "there was no end of the disk: {filled:?}"
        );
    }

    /// Takes away what filled it.
    pub async fn free_disk(&self) {
        self.execute(&["rm", "/memory/ballast"]).await;
    }
}

impl Deref for Postgres {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Few tests cut anything off; so nothing waits for the disk. Those that kill their server start it with [`Postgres::DURABLE`].
const FAST: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "200"),
    ("shared_buffers", "32MB"),
    ("log_min_messages", "warning"),
];

/// A line of `postgresql.conf`.
fn line(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "''");
    format!("{name} = '{value}'")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn values_are_quoted() {
        assert_eq!(
            line("log_line_prefix", r"it's \ %m"),
            r"log_line_prefix = 'it''s \\ %m'"
        );
    }
}
