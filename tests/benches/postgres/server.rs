//! The server, the role that rotates, and the roles that are rotated.

use std::ops::Deref;
use std::sync::Arc;

use keywheel_domain::policy::Policy;
use keywheel_domain::ports::Clock;
use keywheel_local::OsEntropy;
use keywheel_postgres::{Admin, PostgresConfig, PostgresIssuer};
use keywheel_testkit::containers::Postgres;
use keywheel_tests::crowd::{Member, instant};
use keywheel_tests::live::postgres::{Database, MadeUp};
use postgres_protocol::password::scram_sha_256;
use serde_json::json;

const ROTATOR: &str = "keywheel";
const ROTATOR_PASSWORD: &str = "the-password-of-the-hand-that-rotates";

/// How roles are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    InPlace,
    TwinRoles,
}

/// A policy without waits.
pub(crate) fn policy(kind: Kind) -> Policy {
    let mut policy = instant();
    policy.interruption = (kind == Kind::InPlace).then(|| "one role, one password".to_owned());
    policy
}

/// One PostgreSQL server with a role for Keywheel, which is no superuser.
#[derive(Debug)]
pub(crate) struct Server {
    server: Postgres,
}

pub(crate) async fn start() -> Server {
    let server = Server {
        server: Postgres::start().await,
    };
    let rotator = format!(
        "CREATE ROLE {ROTATOR} LOGIN CREATEROLE PASSWORD '{}'",
        scram_sha_256(ROTATOR_PASSWORD.as_bytes())
    );
    let superuser = (Postgres::USER, Postgres::PASSWORD);
    server.database().run(superuser, &[&rotator]).await;
    server
}

impl Deref for Server {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.server
    }
}

impl Server {
    pub(crate) fn database(&self) -> Database {
        Database {
            port: self.port(),
            name: Postgres::DATABASE.to_owned(),
        }
    }

    /// The login of the role that changes others.
    pub(crate) fn rotator() -> (&'static str, &'static str) {
        (ROTATOR, ROTATOR_PASSWORD)
    }

    /// Keywheel's connections to the server, by that port.
    pub(crate) fn admin(&self, port: u16, clock: Arc<dyn Clock>) -> Arc<Admin> {
        let config = config(port, Kind::InPlace, "any").admin;
        let admin = Admin::new(&config, Some(MadeUp::source(ROTATOR_PASSWORD)), clock);
        admin.expect("the configuration is right")
    }

    /// An issuer for a role, by the port that those connections use.
    pub(crate) fn issuer(&self, admin: &Arc<Admin>, port: u16, kind: Kind, role: &str) -> PostgresIssuer {
        let issuer = PostgresIssuer::new(config(port, kind, role), admin.clone(), Arc::new(OsEntropy));
        issuer.expect("the configuration is right")
    }
}

fn config(port: u16, kind: Kind, role: &str) -> PostgresConfig {
    let kind = match kind {
        Kind::InPlace => "in_place",
        Kind::TwinRoles => "twin_roles",
    };
    let admin = json!({ "host": "127.0.0.1", "port": port, "user": ROTATOR, "tls": "disable" });
    let config = json!({ "kind": kind, "role": role, "admin": admin });
    serde_json::from_value(config).expect("the configuration is right")
}

/// Roles that applications log in as.
#[derive(Debug)]
pub(crate) struct Roles(Vec<Member>);

impl Roles {
    /// Makes so many. Keywheel's role makes them, because from PostgreSQL 16 on it may change no others.
    pub(crate) async fn make(server: &Server, name: &str, count: usize) -> Self {
        let member = |number: usize| Member {
            credential: format!("{name}/{number}").parse().expect("it is a path of plain words"),
            username: format!("{name}_{number}"),
            password: format!("the-first-password-of-{number}"),
        };
        let members: Vec<Member> = (0..count).map(member).collect();
        let create = |member: &Member| {
            let verifier = scram_sha_256(member.password.as_bytes());
            format!("CREATE ROLE {} LOGIN PASSWORD '{verifier}'", member.username)
        };
        let statements: Vec<String> = members.iter().map(create).collect();
        server
            .database()
            .run(Server::rotator(), &[&statements.join("; ")])
            .await;
        Self(members)
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.0
    }
}
