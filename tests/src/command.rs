//! The `keywheel` command in a folder of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::folder::Folder;

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// A command at work. What it says goes into files.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// The command, which is built into the folder of this program or the one above.
///
/// # Panics
/// Where it is not there: whoever tests one package alone builds it first, by `cargo build -p keywheel-cli`.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join("keywheel"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.expect("the command is built: `cargo build -p keywheel-cli`")
}

impl Folder {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.path("")).args(arguments);
        command
            .stdin(Stdio::null())
            .env("KEYWHEEL_ACTOR", "tester")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn keywheel(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("the command can be started");
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, where it has to end well.
    ///
    /// # Panics
    /// Where it does not.
    pub fn works(&self, arguments: &[&str]) -> Said {
        let said = self.keywheel(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.err);
        said
    }

    /// Starts it. What it says goes into files of that name.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Running {
        let [out, err] = ["out", "err"].map(|stream| self.path(format!("{name}.{stream}")));
        let [to_out, to_err] = [&out, &err].map(|path| File::create(path).expect("the folder takes a file"));
        let mut command = self.command(arguments);
        let child = command.stdout(to_out).stderr(to_err).spawn();
        Running {
            child: child.expect("the command can be started"),
            out,
            err,
        }
    }
}

impl Running {
    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes it away with SIGKILL.
    ///
    /// # Panics
    /// Where it had ended before.
    pub fn kill(&mut self) {
        assert!(
            self.child.try_wait().expect("it can be asked").is_none(),
            "{}",
            self.err()
        );
        self.child.kill().expect("it is ours to kill");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, as a service manager does, and waits for that.
    ///
    /// # Panics
    /// Where it cannot be asked.
    pub fn stop(&mut self) -> ExitStatus {
        let asked = Command::new("kill").arg(self.id().to_string()).status();
        assert!(asked.expect("there is a `kill`").success(), "{}", self.err());
        self.ended()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where that cannot be done.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// The events that it printed so far, one JSON object in each line; a line that is not whole yet is left out.
    pub fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.out).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// What it complained about.
    pub fn err(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; and a test that failed must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
