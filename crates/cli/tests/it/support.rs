//! A folder with a configuration, and the real command in it.

use std::path::PathBuf;
use std::process::{Command, Output};

use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Append, Journal};
use keywheel_domain::rotation::{Entry, Event, Rotation};
use keywheel_sqlite::Sqlite;
use keywheel_testkit::sample::driver;

/// One credential that is rotated in less than a second, once somebody approves.
const CONFIG: &str = r#"
[key]
file = "keywheel.key"

[[credential]]
name = "goimg/jwt"
kind = "jwt_signing_key"

[credential.issuer]
algorithm = "ES256"
verifiers = [{ ring = "keys" }]

[credential.policy]
period = "6 months"
tokens = [{ name = "access", lifetime = "100 ms" }]
clock_skew = "0 s"
grace = "200 ms"
retention = "200 ms"
soak = "0 s"
observe = "0 s"
adopt_within = "50 ms"
poll = "20 ms"
approvers = ["bob"]
drain = { quiet = "0 s" }

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"

[[credential.workload]]
kind = "none"
name = "api"
"#;

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        place.configure(CONFIG);
        keywheel_local::create_key_file(&place.path("keywheel.key"), &keywheel_local::OsEntropy).unwrap();
        place
    }

    /// Whose key is adopted.
    pub(crate) fn adopted() -> Self {
        let place = Self::new();
        place.works(&["adopt", "goimg/jwt", "--create"]);
        place
    }

    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.path("keywheel.toml"), config).unwrap();
    }

    pub(crate) fn config(&self) -> String {
        std::fs::read_to_string(self.path("keywheel.toml")).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn keywheel(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keywheel"));
        self.run(command.args(arguments))
    }

    pub(crate) fn works(&self, arguments: &[&str]) -> Said {
        let said = self.keywheel(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said
    }

    /// The same by way of a shell, which may limit it first; `$0` is the command.
    pub(crate) fn shell(&self, script: &str) -> Said {
        let mut command = Command::new("sh");
        self.run(command.args(["-c", script]).arg(env!("CARGO_BIN_EXE_keywheel")))
    }

    fn run(&self, command: &mut Command) -> Said {
        let Output { status, stdout, stderr } = command
            .current_dir(self.folder.path())
            .env("KEYWHEEL_ACTOR", "tester")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        Said {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The rotation that is under way, as its journal tells it.
    pub(crate) fn rotation(&self) -> Rotation {
        self.journal(async |journal| {
            let id = active(&journal).await;
            Rotation::replay(&journal.load(&id).await.unwrap()).unwrap()
        })
    }

    /// Appends to the journal of the rotation that is under way what no driver would append.
    pub(crate) fn forge(&self, forge: impl Fn(&Rotation) -> Entry) {
        self.journal(async |journal| {
            let id = active(&journal).await;
            let rotation = Rotation::replay(&journal.load(&id).await.unwrap()).unwrap();
            let (now, ttl) = (rotation.last_at(), jiff::SignedDuration::from_secs(1));
            // Long after the lease of whoever drove it has run out.
            let later = now + jiff::SignedDuration::from_mins(1);
            let lease = journal.claim(&id, &driver("forger"), later, ttl).await.unwrap();
            let append = Append {
                lease: lease.clone(),
                after: rotation.sequence(),
                entries: vec![forge(&rotation)],
                credential: None,
                wake: Some(now),
            };
            journal.append(&append).await.unwrap();
            journal.release(&lease, Some(now)).await.unwrap();
        });
    }

    fn journal<T>(&self, work: impl AsyncFn(std::sync::Arc<Sqlite>) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let journal = Sqlite::open_existing(&self.path("keywheel.db")).await.unwrap();
            work(journal).await
        })
    }
}

async fn active(journal: &Sqlite) -> RotationId {
    let credential = journal.credential(&"goimg/jwt".parse().unwrap()).await.unwrap();
    credential.unwrap().active.unwrap()
}

/// An event after the rotation's last one, that much later.
pub(crate) fn after(rotation: &Rotation, later: jiff::SignedDuration, event: Event) -> Entry {
    Entry {
        sequence: rotation.sequence().next(),
        at: rotation.last_at() + later,
        event,
    }
}
