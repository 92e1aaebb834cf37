//! Two real processes on one rotation: one drives it and waits, the other one says something; and the one that runs by itself.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const CONFIG: &str = r#"
[keywheel]
state = "keywheel.db"
lease = "2 s"

[key]
file = "keywheel.key"

[[credential]]
name = "two/jwt"
kind = "jwt_signing_key"

[credential.issuer]
algorithm = "ES256"
verifiers = [{ ring = "keys" }]

[credential.policy]
period = "6 months"
tokens = [{ name = "access", lifetime = "100 ms" }]
clock_skew = "0 s"
notice = "0 s"
grace = "48 h"
soak = "0 s"
observe = "0 s"
retention = "0 s"
adopt_within = "50 ms"
poll = "200 ms"
drain = { quiet = "0 s" }

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"

[[credential.workload]]
kind = "none"
name = "api"
"#;

/// A folder with an adopted key.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let folder = place.0.path();
        std::fs::create_dir(folder.join("keys")).unwrap();
        std::fs::write(folder.join("keywheel.toml"), CONFIG).unwrap();
        keywheel_local::create_key_file(&folder.join("keywheel.key"), &keywheel_local::OsEntropy).unwrap();
        place.ends_with(0, &["adopt", "two/jwt", "--create"]);
        place
    }

    /// The same, where the key was made so long ago that it is due.
    fn due() -> Self {
        let made = Self::new();
        let key = made.0.path().join("keys/jwt_private.pem");
        let place = Self(tempfile::tempdir().unwrap());
        let folder = place.0.path();
        for file in ["keywheel.toml", "keywheel.key"] {
            std::fs::copy(made.0.path().join(file), folder.join(file)).unwrap();
        }
        std::fs::create_dir(folder.join("keys")).unwrap();
        let key = key.to_str().unwrap();
        place.ends_with(
            0,
            &["adopt", "two/jwt", "--private-key", key, "--created-at", "2025-01-01"],
        );
        place
    }

    fn keywheel(&self, arguments: &[&str]) -> Command {
        keywheel(self.0.path(), arguments)
    }

    fn ends_with(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.keywheel(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a process that drives, and returns once it waits out the grace.
    fn waits_in_the_grace(&self, arguments: &[&str]) -> Running {
        let mut child = self.keywheel(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut running = Running { child, lines };
        running.says(&["the grace period", "wait"]);
        running
    }

    fn history(&self, arguments: &[&str]) -> String {
        self.ends_with(0, &[&["history", "two/jwt", "--json"], arguments].concat())
    }
}

fn keywheel(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keywheel"));
    command.current_dir(folder).args(["--actor", "tester"]).args(arguments);
    command
}

/// A process that was started and ends with the test at the latest.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Reads on until there is a line with all of that in it.
    fn says(&mut self, parts: &[&str]) {
        let mut said = Vec::new();
        for line in &mut self.lines {
            let line = line.unwrap();
            if parts.iter().all(|part| line.contains(part)) {
                return;
            }
            said.push(line);
        }
        panic!("it never said {parts:?}: {}", said.join("\n"));
    }

    fn ends(mut self) -> (Option<i32>, String) {
        let last = (&mut self.lines).map(Result::unwrap).last().unwrap_or_default();
        (self.child.wait().unwrap().code(), last)
    }

    /// Asks it to end, as a service manager does.
    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_grace_that_another_terminal_waits_out_is_ended() {
    let place = Place::new();
    let rotate = place.waits_in_the_grace(&["rotate", "two/jwt", "--yes", "--reason", "test", "--json"]);
    place.ends_with(0, &["finish", "two/jwt"]);
    let (code, last) = rotate.ends();
    assert_eq!(code, Some(0), "{last}");
    assert!(last.contains("\"outcome\":\"completed\""), "{last}");
    let result: serde_json::Value = serde_json::from_str(&last).unwrap();
    let entries = place.history(&["--rotation", result["rotation"].as_str().unwrap()]);
    assert_eq!(entries.matches("cut_short").count(), 1, "{entries}");
}

#[test]
fn a_rotation_that_another_terminal_drives_is_rolled_back() {
    let place = Place::new();
    let rotate = place.waits_in_the_grace(&["rotate", "two/jwt", "--yes", "--reason", "test", "--json"]);
    place.ends_with(0, &["rollback", "two/jwt", "--reason", "errors"]);
    let (code, last) = rotate.ends();
    assert_eq!(code, Some(6), "{last}");
    assert!(last.contains("\"why\":\"errors\""), "{last}");
}

#[test]
fn one_that_runs_by_itself_lets_others_have_a_rotation_and_ends_when_it_is_told_to() {
    let place = Place::due();
    let service = place.waits_in_the_grace(&["run", "--json"]);
    place.ends_with(0, &["finish", "two/jwt"]);
    let history = place.history(&[]);
    assert!(history.contains("\"outcome\":\"completed\""), "{history}");
    service.terminate();
    let (code, last) = service.ends();
    assert_eq!(code, Some(0), "{last}");
    assert!(
        last.contains("\"summary\"") && last.contains("\"stopped\":true"),
        "{last}"
    );
    assert!(last.contains("\"failed\":0"), "{last}");
}
