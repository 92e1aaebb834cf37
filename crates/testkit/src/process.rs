//! Other processes: a test's binary again, in a role. What a role does it tells line by line on its standard output.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Names the role of a process that a test started, and what it works on.
const ROLE: &str = "KEYWHEEL_TEST_ROLE";
const OBJECT: &str = "KEYWHEEL_TEST_OBJECT";
/// What stands in front of everything that a role tells, because the test harness writes to the same place.
const TOLD: &str = "told ";

/// A process in a role.
#[derive(Debug)]
pub struct Process {
    child: Child,
    told: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the test of that name, which looks for its [`role`] and for what to work on.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(test: &str, role: &str, object: impl AsRef<OsStr>) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a test has a binary"))
            .args([test, "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(OBJECT, object)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test can be started again");
        let told = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, told }
    }

    /// What it tells next; `None` once it ended.
    ///
    /// # Panics
    /// Where it cannot be heard.
    pub fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.told.read_line(&mut line).expect("it tells text") == 0 {
                return None;
            }
            // A line that the kill cut off was not told.
            if let Some(told) = line.strip_suffix('\n').and_then(|line| line.strip_prefix(TOLD)) {
                return Some(told.to_owned());
            }
        }
    }

    /// Kills it as `kill -9` does, and returns what it told before.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it is ours to kill");
        let rest = std::iter::from_fn(|| self.hear()).collect();
        self.child.wait().expect("it ends");
        rest
    }

    /// Waits for its end, and returns what it told.
    ///
    /// # Panics
    /// Where it fails.
    pub fn finish(mut self) -> Vec<String> {
        let told = std::iter::from_fn(|| self.hear()).collect();
        assert!(self.child.wait().expect("it ends").success());
        told
    }
}

/// The role and what to work on, in a process that a test started.
#[expect(clippy::disallowed_methods, reason = "a test tells its processes apart")]
pub fn role() -> Option<(String, OsString)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(OBJECT)?))
}

/// Tells the test that started this process. Not by the print macros, whose output the harness may keep.
///
/// # Panics
/// Where nobody listens any more.
pub fn tell(line: &str) {
    let line = format!("{TOLD}{line}\n");
    std::io::stdout()
        .lock()
        .write_all(line.as_bytes())
        .expect("a test listens");
}
