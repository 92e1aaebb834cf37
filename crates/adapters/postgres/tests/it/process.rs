//! Other processes: this test binary again, in a role. What a role does it tells line by line on its standard output.

use std::io::{BufRead, BufReader, Write};

use std::process::{Child, ChildStdout, Command, Stdio};

/// Names the role and the journal of a process that a test started.
const ROLE: &str = "KEYWHEEL_TEST_ROLE";
const JOURNAL: &str = "KEYWHEEL_TEST_JOURNAL";
/// What stands in front of everything that a role tells, because the test harness writes to the same place.
const TOLD: &str = "told ";

/// A process in a role.
pub(crate) struct Process {
    child: Child,
    told: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the test of that name, which looks for its role.
    pub(crate) fn start(test: &str, role: &str, journal: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(JOURNAL, journal)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap());
        Self { child, told }
    }

    /// What it tells next; `None` once it ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.told.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // A line that the kill cut off was not told.
            if let Some(told) = line.strip_suffix('\n').and_then(|line| line.strip_prefix(TOLD)) {
                return Some(told.to_owned());
            }
        }
    }

    /// Kills it as `kill -9` does, and returns what it told before.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let rest = std::iter::from_fn(|| self.next()).collect();
        self.child.wait().unwrap();
        rest
    }

    /// Waits for its end, and returns what it told.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let told = std::iter::from_fn(|| self.next()).collect();
        assert!(self.child.wait().unwrap().success());
        told
    }
}

/// The role and the journal, in a process that a test started.
#[expect(clippy::disallowed_methods, reason = "a test tells its processes apart")]
pub(crate) fn role() -> Option<(String, String)> {
    Some((std::env::var(ROLE).ok()?, std::env::var(JOURNAL).ok()?))
}

/// Tells the test that started this process. Not by the print macros, whose output the harness may keep.
pub(crate) fn tell(line: &str) {
    let line = format!("{TOLD}{line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}
