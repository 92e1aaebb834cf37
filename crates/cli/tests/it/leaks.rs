//! A whole rotation by the real command, at its most talkative, and then a search of everything that it left for either key.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keywheel_testkit::leak::{Leak, LeakHunter};

const CONFIG: &str = r#"
[keywheel]
state = "keywheel.db"
lease = "1 s"

[key]
file = "keywheel.key"

[[credential]]
name = "leak/jwt"
kind = "jwt_signing_key"

[credential.issuer]
algorithm = "ES256"
verifiers = [{ ring = "keys" }]

[credential.policy]
period = "6 months"
tokens = [{ name = "access", lifetime = "1 s" }]
clock_skew = "0 s"
grace = "1 s"
soak = "0 s"
observe = "0 s"
retention = "0 s"
adopt_within = "50 ms"
poll = "50 ms"
drain = { quiet = "0 s" }

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"

[[credential.workload]]
kind = "command"
name = "curious"
roll_out = ["/bin/sh", "-c", "env >> seen.txt; tr '\\0' '\\n' < /proc/self/cmdline >> seen.txt; cat keys/jwt_private.pem; cat keys/jwt_private.pem >&2; exit 0"]

[[credential.probe]]
kind = "command"
name = "chatty"
command = ["/bin/sh", "-c", "cat keys/jwt_private.pem; cat keys/jwt_private.pem >&2; test -e ill.txt && exit 0; touch ill.txt; exit 1"]

[credential.archive]
folder = "archive"
"#;

struct Run {
    folder: tempfile::TempDir,
    /// Everything that the command ever said, by what was asked.
    said: Vec<(String, Vec<u8>)>,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys", "archive"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("keywheel.toml"), CONFIG).unwrap();
        keywheel_local::create_key_file(&folder.path().join("keywheel.key"), &keywheel_local::OsEntropy).unwrap();
        Self {
            folder,
            said: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keywheel(&mut self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keywheel"));
        command
            .current_dir(self.folder.path())
            .args(["-vvv", "--actor", "tester"])
            .args(arguments);
        let output = command.output().unwrap();
        let asked = arguments.join(" ");
        self.said.push((format!("stdout of {asked}"), output.stdout.clone()));
        self.said.push((format!("stderr of {asked}"), output.stderr.clone()));
        output
    }

    fn works(&mut self, arguments: &[&str]) {
        let output = self.keywheel(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Everything that was said, and every file but those that consumers read the key from.
    fn search(&self, hunter: &LeakHunter) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = self
            .said
            .iter()
            .flat_map(|(place, text)| hunter.search(place, text))
            .collect();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "keys") {
                leaks.extend(hunter.search_path(&path).unwrap());
            }
        }
        leaks
    }
}

/// Hunts for a private key and not for what its public half has in common with it.
fn hunt(hunter: &mut LeakHunter, name: &str, folder: &Path) {
    hunter.hunt_for(name, &std::fs::read(folder.join("jwt_private.pem")).unwrap());
}

fn excuse(hunter: &mut LeakHunter, folder: &Path) {
    hunter.excuse(&std::fs::read(folder.join("jwt_public.pem")).unwrap());
}

#[test]
fn neither_key_is_anywhere_but_in_the_files_that_consumers_read() {
    let mut run = Run::new();
    let mut hunter = LeakHunter::new();
    let keys = run.path("keys");
    run.works(&["adopt", "leak/jwt", "--create"]);
    hunt(&mut hunter, "old key", &keys);
    excuse(&mut hunter, &keys);
    run.works(&["plan", "leak/jwt", "--json"]);
    run.works(&["rotate", "leak/jwt", "--yes", "--reason", "leak test"]);
    hunt(&mut hunter, "new key", &keys);
    excuse(&mut hunter, &keys);
    for asked in [
        &["verify", "leak/jwt", "--json"][..],
        &["history", "leak/jwt", "--json"],
        &["status", "leak/jwt", "--json"],
        &["list", "--json"],
        &["audit", "show", "--json"],
        &["audit", "verify"],
        &["doctor", "--json"],
    ] {
        run.works(asked);
    }
    assert!(
        run.path("seen.txt").exists(),
        "the workload wrote its environment and arguments down"
    );
    let heard = |(_, text): &(String, Vec<u8>)| String::from_utf8_lossy(text).contains("[redacted]");
    assert!(
        run.said.iter().any(heard),
        "what the probe said while it was ill was told"
    );
    assert_eq!(run.search(&hunter), []);
    // A search that finds nothing anywhere would prove nothing: the one place where the key belongs has it.
    assert!(!hunter.search_path(&keys).unwrap().is_empty());
}
