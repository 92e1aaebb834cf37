//! Real processes, really killed: `keywheel rotate` gets SIGKILL at a random moment, `keywheel resume` goes on, and clients that
//! verify tokens all the while must never be refused.

mod company;
mod folder;

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use company::Company;
use folder::Folder;

/// A rotation that was killed lasts longer than this only if something is wrong.
const LONGEST: Duration = Duration::from_secs(90);
const CREDENTIAL: &str = "kills/jwt";

/// What one killed rotation showed.
#[derive(Debug)]
pub struct Killed {
    /// When the driver was killed, after its start.
    pub after: Duration,
    /// Whether it was still running then.
    pub in_the_middle: bool,
    /// `completed`, `rolled back`, or `nothing under way` where the kill came before or after; anything else is a violation.
    pub outcome: String,
    /// Tokens verified.
    pub verified: u64,
    /// Tokens refused that should have been accepted.
    pub refused: u64,
    /// What is wrong, if anything.
    pub problem: Option<String>,
}

/// One rotation that is killed after that time, resumed, and followed to its rest.
///
/// # Errors
/// Where it could not be set up: that says nothing about the rotation.
pub fn kill_once(keywheel: &Path, after: Duration) -> Result<Killed, Box<dyn std::error::Error + Send + Sync>> {
    let folder = Folder::make()?;
    let program = Program {
        keywheel,
        folder: &folder,
    };
    program
        .run(&["adopt", CREDENTIAL, "--create"])
        .and_then(|status| succeeded("adopt", status))?;
    let company = Company::start(&folder)?;
    let mut driver = program.start(&["rotate", CREDENTIAL, "--yes", "--reason", "kill test"])?;
    pause(after);
    let in_the_middle = driver.try_wait()?.is_none();
    // A driver that has ended already cannot be killed: then there is nothing to resume either.
    let _ = driver.kill();
    driver.wait()?;
    let mut problem = program.history_is_readable()?;
    let outcome = program.bring_to_rest()?;
    problem = problem.or(program.history_is_readable()?);
    let (verified, refused) = company.stop();
    let verify = program.run(&["verify", CREDENTIAL])?;
    if !verify.success() {
        problem = problem.or_else(|| Some(format!("`keywheel verify` ended with {verify}")));
    }
    let audit = program.run(&["audit", "verify"])?;
    if !audit.success() {
        problem = problem.or_else(|| Some(format!("`keywheel audit verify` ended with {audit}")));
    }
    if !["completed", "rolled back", "nothing under way"].contains(&outcome.as_str()) {
        problem = problem.or_else(|| Some(format!("the rotation ended as {outcome}")));
    }
    if refused > 0 {
        problem = Some(format!("{refused} tokens were refused"));
    }
    Ok(Killed {
        after,
        in_the_middle,
        outcome,
        verified,
        refused,
        problem,
    })
}

struct Program<'a> {
    keywheel: &'a Path,
    folder: &'a Folder,
}

impl Program<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.keywheel);
        command.arg("--config").arg(self.folder.config()).args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("KEYWHEEL_ACTOR", "kills");
        command
    }

    fn start(&self, arguments: &[&str]) -> std::io::Result<Child> {
        self.command(arguments).spawn()
    }

    fn run(&self, arguments: &[&str]) -> std::io::Result<ExitStatus> {
        self.command(arguments).status()
    }

    /// The journal is readable throughout, right after the kill too.
    fn history_is_readable(&self) -> std::io::Result<Option<String>> {
        let history = self.run(&["history", CREDENTIAL, "--json"])?;
        Ok((!history.success()).then(|| format!("`keywheel history` ended with {history}")))
    }

    /// Resumes until it rests.
    fn bring_to_rest(&self) -> std::io::Result<String> {
        let began = now();
        loop {
            let resumed = self.run(&["resume", CREDENTIAL])?;
            match resumed.code() {
                Some(0) => return Ok("completed".to_owned()),
                Some(6) => return Ok("rolled back".to_owned()),
                // It ended before the kill came, or had not begun yet.
                Some(4) => return Ok("nothing under way".to_owned()),
                _ if now() - began > LONGEST => return Ok(format!("unfinished ({resumed})")),
                _ => pause(Duration::from_millis(200)),
            }
        }
    }
}

fn succeeded(what: &str, status: ExitStatus) -> std::io::Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(std::io::Error::other(format!("`keywheel {what}` ended with {status}")))
}

#[expect(clippy::disallowed_methods, reason = "real processes are killed in real time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[expect(clippy::disallowed_methods, reason = "real processes are killed in real time")]
fn now() -> Instant {
    Instant::now()
}
