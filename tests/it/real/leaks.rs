//! Passwords are nowhere but in the files that consumers read: not in what the servers write down about a rotation either.

use std::sync::{Arc, Mutex};

use keywheel_domain::material::Secret;
use keywheel_testkit::containers::{Postgres, Redis};
use keywheel_testkit::leak::{Leak, LeakHunter};
use keywheel_tests::folder::Folder;
use keywheel_tests::live::Login;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The tables of the journal.
const TABLES: [&str; 5] = ["credentials", "rotations", "entries", "materials", "audit_records"];
/// Files that hold a password because they are made for that.
const KEPT: [&str; 5] = ["shown", "first", "rotator", "journal", "keywheel.key"];

/// A workload that writes down everything a child can see: its arguments and environment, and Keywheel's own.
const SPY: &str = "cat /proc/self/environ /proc/self/cmdline /proc/$PPID/environ /proc/$PPID/cmdline >> seen.txt";

fn config(journal: u16, issuer: &str) -> String {
    format!(
        r#"
[keywheel.postgres]
host = "127.0.0.1"
port = {journal}
database = "postgres"
user = "journal"
password_file = "journal"
tls = "disable"

[key]
file = "keywheel.key"

[[credential]]
name = "leak/login"
{issuer}

[credential.existing]
password_file = "first"

[credential.policy]
period = "3 months"
grace = "200 ms"
soak = "0 s"
observe = "0 s"
retention = "0 s"
adopt_within = "50 ms"
poll = "50 ms"
drain = {{ evidence = "required", quiet = "100 ms" }}

[[credential.store]]
kind = "files"
folder = "shown"

[[credential.store.file]]
path = "login.json"
template = '{{"username": {{{{ primary.username | json }}}}, "password": {{{{ primary.password | json }}}}}}'

[[credential.workload]]
kind = "command"
name = "spy"
roll_out = ["/bin/sh", "-c", "{SPY}"]
"#
    )
}

/// Three passwords that exist nowhere else, and a hunter that looks for them.
struct Canaries {
    hunter: LeakHunter,
    first: String,
    rotator: String,
    journal: String,
}

impl Canaries {
    fn plant() -> Self {
        let mut hunter = LeakHunter::new();
        let text = |secret: Secret| secret.expose_text().unwrap().to_owned();
        let first = text(hunter.plant("the first password", 1));
        let rotator = text(hunter.plant("the rotator's password", 2));
        let journal = text(hunter.plant("the journal's password", 3));
        Self {
            hunter,
            first,
            rotator,
            journal,
        }
    }

    /// A server with the journal's role, and perhaps a role to rotate, that logs every statement from now on.
    async fn journal(&self, roles: &str) -> Postgres {
        let server = Postgres::start().await;
        let role = format!("CREATE ROLE journal LOGIN PASSWORD '{}'", self.journal);
        let set_up = format!("{role}; CREATE SCHEMA keywheel AUTHORIZATION journal; {roles}");
        server.sql(&set_up).await;
        for setting in [
            "log_statement = 'all'",
            "log_connections = on",
            "log_min_messages = 'debug1'",
        ] {
            server.sql(&format!("ALTER SYSTEM SET {setting}")).await;
        }
        server.sql("SELECT pg_reload_conf()").await;
        server
    }

    /// Rotates as often as a login comes round, and returns every place but those that are made for passwords.
    fn rotate(&mut self, folder: &Folder) -> Vec<Leak> {
        for (name, password) in [
            ("first", &self.first),
            ("rotator", &self.rotator),
            ("journal", &self.journal),
        ] {
            folder.write(name, password).unwrap();
        }
        let mut said = Vec::new();
        let mut keywheel = |arguments: &[&str]| {
            let arguments = [&["-vvv"], arguments].concat();
            let output = folder.works(&arguments);
            said.push((arguments.join(" "), output.out + &output.err));
        };
        keywheel(&["doctor"]);
        keywheel(&["adopt", "leak/login"]);
        for round in ["second", "third"] {
            keywheel(&["rotate", "leak/login", "--yes", "--json", "--reason", round]);
            let shown = Login::shown(&folder.path("shown/login.json")).unwrap();
            self.hunter
                .hunt_for(&format!("the {round} password"), shown.password.as_bytes());
        }
        for asked in [
            ["history", "--json"],
            ["status", "--json"],
            ["verify", "leak/login"],
            ["audit", "show"],
        ] {
            keywheel(&asked);
        }
        assert!(folder.path("seen.txt").exists(), "the workload wrote down what it saw");
        assert!(
            !self.hunter.search_path(&folder.path("shown")).unwrap().is_empty(),
            "the hunter finds what is there"
        );
        let mut leaks: Vec<Leak> = said.iter().flat_map(|(asked, text)| self.search(asked, text)).collect();
        for entry in std::fs::read_dir(folder.path("")).unwrap() {
            let path = entry.unwrap().path();
            if !KEPT.iter().any(|kept| path.ends_with(kept)) {
                leaks.extend(self.hunter.search_path(&path).unwrap());
            }
        }
        leaks
    }

    fn search(&self, place: &str, text: &str) -> Vec<Leak> {
        self.hunter.search(place, text.as_bytes())
    }

    /// The journal's tables, and what its server logged.
    async fn search_journal(&self, server: &Postgres) -> Vec<Leak> {
        let mut leaks = Vec::new();
        for table in TABLES {
            let rows = server
                .sql(&format!("SELECT row_to_json(t) FROM keywheel.{table} AS t"))
                .await;
            assert!(!rows.is_empty(), "{table} is empty");
            leaks.extend(self.search(table, &rows));
        }
        let log = server.log().await;
        assert!(
            log.contains("INSERT INTO") || log.contains("insert into"),
            "statements are logged"
        );
        leaks.extend(self.search("the log of PostgreSQL", &log));
        leaks
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_postgresql_is_where_it_is_read_and_nowhere_else() {
    let mut canaries = Canaries::plant();
    let roles = format!(
        "CREATE ROLE keywheel LOGIN CREATEROLE PASSWORD '{}'; CREATE ROLE goimg LOGIN PASSWORD '{}'",
        canaries.rotator, canaries.first
    );
    let server = canaries.journal(&roles).await;
    let admin = format!(
        "{{ host = \"127.0.0.1\", port = {}, user = \"keywheel\", tls = \"disable\", password_file = \"rotator\" }}",
        server.port()
    );
    let issuer = format!("kind = \"postgresql_password\"\n\n[credential.issuer]\nrole = \"goimg\"\nadmin = {admin}");
    let folder = Folder::make(&config(server.port(), &issuer), &[]).unwrap();
    assert_eq!(canaries.rotate(&folder), []);
    assert_eq!(canaries.search_journal(&server).await, []);
    let log = server.log().await;
    assert!(
        log.contains("SCRAM-SHA-256$4096:"),
        "what the server was sent is a verifier, and that is logged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_redis_is_where_it_is_read_and_nowhere_else() {
    let mut canaries = Canaries::plant();
    let (journal, redis) = (canaries.journal("").await, Redis::start().await);
    for user in [
        format!("keywheel on >{} ~* &* +@all", canaries.rotator),
        format!("goimg on >{} ~* &* +@all", canaries.first),
    ] {
        assert!(redis.ask(&format!("ACL SETUSER {user}")).await.contains("OK"));
    }
    for setting in ["slowlog-log-slower-than 0", "slowlog-max-len 100000"] {
        assert!(redis.ask(&format!("CONFIG SET {setting}")).await.contains("OK"));
    }
    redis.ask("SLOWLOG RESET").await;
    let monitor = Monitor::start(&redis).await;
    let issuer = format!(
        "kind = \"redis_password\"\n\n[credential.issuer]\nuser = \"goimg\"\nnodes = [\"127.0.0.1:{}\"]\nadmin_user = \"keywheel\"\nadmin_password_file = \"rotator\"",
        redis.port()
    );
    let folder = Folder::make(&config(journal.port(), &issuer), &[]).unwrap();
    assert_eq!(canaries.rotate(&folder), []);
    assert_eq!(canaries.search_journal(&journal).await, []);
    let port = redis.port().to_string();
    for (asked, expected) in [
        ("SLOWLOG GET -1", "SETUSER"),
        ("ACL LOG 1000", "auth"),
        ("ACL LIST", "goimg"),
    ] {
        let command = [&["redis-cli", "-p", &port], &asked.split(' ').collect::<Vec<_>>()[..]].concat();
        let answer = redis.execute(&command).await;
        assert!(answer.contains(expected), "{asked}: {answer}");
        assert_eq!(canaries.search(asked, &answer), []);
    }
    assert_eq!(canaries.search("the log of Redis", &redis.log().await), []);
    let seen = monitor.seen();
    assert!(
        seen.contains("\"TIME\"") || seen.to_lowercase().contains("client"),
        "{seen}"
    );
    assert_eq!(canaries.search("MONITOR", &seen), []);
}

/// Everything that MONITOR shows.
struct Monitor {
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Monitor {
    async fn start(server: &Redis) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                kept.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { seen }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}
