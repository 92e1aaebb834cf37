//! Many credentials on one PostgreSQL server, whose journal is there too, for several processes.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use keywheel_app::{Keywheel, Ports, Wiring};
use keywheel_domain::id::CredentialName;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::Clock;
use keywheel_local::config::KeyConfig;
use keywheel_local::{LocalKeys, OsEntropy, Surroundings, SystemClock};
use keywheel_postgres::{Admin, AdminConfig, Database, DatabaseConfig, PostgresConfig, PostgresIssuer, Tls};
use keywheel_testkit::containers::Postgres;
use serde_json::json;
use zeroize::Zeroizing;

use crate::folder::Folder;
use crate::live::postgres::MadeUp;
use crate::live::{quick, quiet_workload, store};

const FIRST: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "the-password-of-the-hand-that-rotates";
const JOURNAL: &str = "the-password-of-the-journal";
/// They are this old, so each has been due for long.
const AGE: SignedDuration = SignedDuration::from_hours(24 * 400);
/// So many are adopted at a time.
const AT_A_TIME: usize = 8;

/// A server, and a folder with the configuration of all its credentials.
#[derive(Debug)]
pub struct Many {
    /// The server.
    pub server: Postgres,
    /// The folder.
    pub folder: Folder,
    count: usize,
}

impl Many {
    /// So many roles, adopted and due.
    ///
    /// # Panics
    /// Where something cannot be set up.
    pub async fn due(count: usize) -> Self {
        let server = Postgres::start().await;
        let roles = (0..count).map(|number| format!("CREATE ROLE app{number} LOGIN PASSWORD '{FIRST}';"));
        let roles: String = roles.collect();
        server
            .sql(&format!(
                "CREATE ROLE keywheel LOGIN CREATEROLE PASSWORD '{ROTATOR}';
                CREATE ROLE journal LOGIN PASSWORD '{JOURNAL}'; CREATE SCHEMA keywheel AUTHORIZATION journal; {roles}"
            ))
            .await;
        let folder = Folder::make(&config(count, server.port()), &["shown"]).expect("there is room for a folder");
        for (name, password) in [("rotator", ROTATOR), ("journal", JOURNAL)] {
            folder.write(name, password).expect("the folder takes a file");
        }
        let many = Self { server, folder, count };
        many.adopt().await;
        many
    }

    /// By the library: a process for each would take longer than their rotations.
    async fn adopt(&self) {
        let keywheel = self.keywheel().await;
        let adoptions = (0..self.count).map(|number| {
            let secret = |text: String| Secret::new(Zeroizing::new(text.into_bytes()));
            let material = Material::single("username", secret(format!("app{number}")));
            let material = material.with("password", secret(FIRST.to_owned()));
            let keywheel = &keywheel;
            async move {
                let adopted = keywheel.adopt(&name(number), &material, long_ago(), "tester").await;
                adopted.expect("the role is as it should be");
            }
        });
        stream::iter(adoptions)
            .buffer_unordered(AT_A_TIME)
            .collect::<Vec<_>>()
            .await;
    }

    async fn keywheel(&self) -> Keywheel {
        let around = Surroundings {
            base: self.folder.path(""),
            clock: Arc::new(SystemClock),
        };
        let admin = Admin::new(&self.admin(), Some(MadeUp::source(ROTATOR)), Arc::clone(&around.clock));
        let admin = admin.expect("the configuration is right");
        let driver = "adopter".parse().expect("it is a plain word");
        let mut builder = Keywheel::builder(self.ports().await, driver);
        for number in 0..self.count {
            let config =
                json!({ "kind": "in_place", "role": format!("app{number}"), "admin": admin_json(self.server.port()) });
            let config: PostgresConfig = serde_json::from_value(config).expect("the configuration is right");
            let issuer = PostgresIssuer::new(config, Arc::clone(&admin), Arc::new(OsEntropy));
            let issuer = Arc::new(issuer.expect("the configuration is right"));
            let wiring = Wiring {
                stores: vec![Arc::new(store(&around, &format!("shown/{number}")))],
                workloads: vec![Arc::new(quiet_workload(&around))],
                ..Wiring::new("postgresql_password", quick(), issuer)
            };
            builder = builder.credential(name(number), wiring);
        }
        builder.build()
    }

    fn admin(&self) -> AdminConfig {
        serde_json::from_value(admin_json(self.server.port())).expect("the configuration is right")
    }

    async fn ports(&self) -> Ports {
        let config = DatabaseConfig {
            tls: Tls::Disable,
            ..DatabaseConfig::new("127.0.0.1", self.server.port(), Postgres::DATABASE, "journal")
        };
        let database = Database::open(&config, Some(MadeUp::source(JOURNAL))).await;
        let database = database.expect("the server takes a journal");
        let key = KeyConfig {
            file: Some("keywheel.key".into()),
            env: None,
            old: Vec::new(),
        };
        let keys = LocalKeys::load(&key, &self.folder.path(""), &|_| None).expect("the key was just made");
        Ports {
            journal: database.clone(),
            materials: database.clone(),
            audit: database,
            keys: Arc::new(keys),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// How many rotations have come to their rest.
    pub async fn rested(&self) -> usize {
        let count = self
            .server
            .sql("SELECT count(*) FROM keywheel.rotations WHERE NOT running")
            .await;
        count.parse().expect("a count is a number")
    }

    /// Whose rotations that process has under its lease.
    pub async fn held_by(&self, process: u32) -> Vec<String> {
        let held = "SELECT credential FROM keywheel.rotations WHERE running AND driver LIKE";
        let names = self.server.sql(&format!("{held} '%-{process}-%' ORDER BY 1")).await;
        names.lines().map(str::to_owned).collect()
    }

    /// What is wrong with the journal and the audit log, where each credential should have been rotated once.
    pub async fn wrong(&self) -> Vec<String> {
        let expected = format!("{0} of {0}", self.count);
        let mut wrong = Vec::new();
        for (what, column, rows) in EACH_ONCE {
            let sql = format!("SELECT count(DISTINCT {column}) || ' of ' || count(*) FROM keywheel.{rows}");
            let found = self.server.sql(&sql).await;
            if found != expected {
                wrong.push(format!("{what}: {found}"));
            }
        }
        let twice = self.server.sql(STEPS_DONE_TWICE).await;
        if twice != "0" {
            wrong.push(format!("{twice} steps were done twice"));
        }
        wrong
    }
}

/// What has to be there once for each credential, by which column one is told from another.
const EACH_ONCE: [(&str, &str, &str); 6] = [
    ("rotations", "credential", "rotations"),
    ("rests", "credential", "rotations WHERE NOT running"),
    (
        "beginnings",
        "rotation",
        "entries WHERE record::json -> 'event' ->> 'kind' = 'opened'",
    ),
    (
        "audited beginnings",
        "body::json ->> 'rotation'",
        "audit_records WHERE body::json ->> 'phase' = 'begin'",
    ),
    (
        "audited ends",
        "body::json ->> 'rotation'",
        "audit_records WHERE body::json ->> 'phase' = 'complete'",
    ),
    (
        "audited successes",
        "body::json ->> 'credential'",
        "audit_records WHERE body::json ->> 'phase' = 'complete' AND body::json ->> 'success' = 'true'",
    ),
];

const STEPS_DONE_TWICE: &str =
    "SELECT count(*) FROM (SELECT FROM keywheel.entries WHERE record::json -> 'event' ->> 'kind' = 'done'
    GROUP BY rotation, record::json -> 'event' ->> 'step' HAVING count(*) > 1) AS twice";

fn long_ago() -> Timestamp {
    SystemClock.now() - AGE
}

fn name(number: usize) -> CredentialName {
    format!("app{number}/postgres")
        .parse()
        .expect("it is a path of plain words")
}

fn admin_json(port: u16) -> serde_json::Value {
    json!({ "host": "127.0.0.1", "port": port, "user": "keywheel", "tls": "disable" })
}

fn config(count: usize, port: u16) -> String {
    let head = format!(
        r#"
[keywheel]
lease = "2 s"

[keywheel.postgres]
host = "127.0.0.1"
port = {port}
database = "postgres"
user = "journal"
password_file = "journal"
tls = "disable"

[key]
file = "keywheel.key"
"#
    );
    let credentials = (0..count).map(|number| {
        format!(
            r#"
[[credential]]
name = "app{number}/postgres"
kind = "postgresql_password"

[credential.issuer]
kind = "in_place"
role = "app{number}"
admin = {{ host = "127.0.0.1", port = {port}, user = "keywheel", tls = "disable", password_file = "rotator" }}

[credential.policy]
period = "3 months"
interruption = "one role, one password"
notice = "0 s"
grace = "0 s"
soak = "0 s"
observe = "0 s"
retention = "0 s"
adopt_within = "100 ms"
poll = "50 ms"
drain = {{ quiet = "0 s" }}

[[credential.store]]
kind = "files"
folder = "shown/{number}"

[[credential.store.file]]
path = "login.json"
template = '{{"username": {{{{ primary.username | json }}}}, "password": {{{{ primary.password | json }}}}}}'

[[credential.workload]]
kind = "none"
name = "clients"
"#
        )
    });
    std::iter::once(head).chain(credentials).collect()
}
