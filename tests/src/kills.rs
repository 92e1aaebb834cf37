//! Real processes, really killed: `keywheel rotate` gets SIGKILL at a random moment, `keywheel resume` goes on, and clients that
//! verify tokens or log in all the while must never be refused.

pub mod database;
pub mod jwt;
pub mod postgres;
pub mod redis;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A rotation that was killed lasts longer than this only if something is wrong.
const LONGEST: Duration = Duration::from_secs(120);

/// What could not be set up says nothing about a rotation.
pub type Attempt<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often they were accepted.
    pub verified: u64,
    /// How often they were refused.
    pub refused: u64,
    /// What the first refusal said, where it said something.
    pub why: Option<String>,
}

/// A credential with everything around it, for one rotation that is killed.
pub trait Play: Send {
    /// The credential's name in the configuration.
    fn credential(&self) -> &'static str;

    /// The configuration file.
    fn config(&self) -> PathBuf;

    /// What `keywheel adopt` is told beside the credential.
    fn adoption(&self) -> Vec<String>;

    /// Clients begin to work: the credential is adopted.
    ///
    /// # Errors
    /// Where they cannot.
    fn begin(&mut self) -> Attempt<()>;

    /// Clients stop; what they saw.
    fn end(&mut self) -> Seen;

    /// Looks at the backend itself once the rotation rests; what is wrong there, if anything. May be asked again, after a restart.
    ///
    /// # Errors
    /// Where it cannot be looked at.
    fn inspect(&mut self) -> Attempt<Option<String>>;
}

/// What one killed rotation showed.
#[derive(Debug)]
pub struct Killed {
    /// When the driver was killed, after its start.
    pub after: Duration,
    /// Whether it was still running then.
    pub in_the_middle: bool,
    /// `completed`, `rolled back`, or `nothing under way` where the kill came before or after; anything else is a violation.
    pub outcome: String,
    /// Tokens verified, or logins accepted.
    pub verified: u64,
    /// How many of them were refused that should have been accepted.
    pub refused: u64,
    /// What is wrong, if anything.
    pub problem: Option<String>,
}

/// One rotation that is killed after that time, resumed, and followed to its rest.
///
/// # Errors
/// Where it could not be set up: that says nothing about the rotation.
pub fn kill_once(keywheel: &Path, play: &mut dyn Play, after: Duration) -> Attempt<Killed> {
    let program = Program {
        keywheel,
        config: play.config(),
        credential: play.credential(),
    };
    let adoption = play.adoption();
    let mut adopt = vec!["adopt", program.credential];
    adopt.extend(adoption.iter().map(String::as_str));
    program.run(&adopt).and_then(|status| succeeded("adopt", status))?;
    play.begin()?;
    let mut driver = program.start(&["rotate", program.credential, "--yes", "--reason", "kill test"])?;
    pause(after);
    let in_the_middle = driver.try_wait()?.is_none();
    // A driver that has ended already cannot be killed: then there is nothing to resume either.
    let _ = driver.kill();
    driver.wait()?;
    let mut problem = program.history_is_readable()?;
    let outcome = program.bring_to_rest()?;
    problem = problem.or(program.history_is_readable()?);
    let Seen { verified, refused, why } = play.end();
    problem = problem.or(program.verifies()?).or(play.inspect()?);
    if !["completed", "rolled back", "nothing under way"].contains(&outcome.as_str()) {
        problem = problem.or_else(|| Some(format!("the rotation ended as {outcome}")));
    }
    if refused > 0 {
        let why = why.unwrap_or_default();
        problem = Some(format!("clients were refused {refused} times: {why}"));
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

/// Looks once more at a rotation that rests: its servers were restarted meanwhile.
///
/// # Errors
/// Where that cannot be done.
pub fn look_again(keywheel: &Path, play: &mut dyn Play) -> Attempt<Option<String>> {
    let program = Program {
        keywheel,
        config: play.config(),
        credential: play.credential(),
    };
    Ok(program.verifies()?.or(play.inspect()?))
}

struct Program<'a> {
    keywheel: &'a Path,
    config: PathBuf,
    credential: &'static str,
}

impl Program<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.keywheel);
        command.arg("--config").arg(&self.config).args(arguments);
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
        let history = self.run(&["history", self.credential, "--json"])?;
        Ok((!history.success()).then(|| format!("`keywheel history` ended with {history}")))
    }

    /// The current version is accepted, the old one refused, the audit log whole.
    fn verifies(&self) -> std::io::Result<Option<String>> {
        for arguments in [["verify", self.credential], ["audit", "verify"]] {
            let status = self.run(&arguments)?;
            if !status.success() {
                return Ok(Some(format!("`keywheel {}` ended with {status}", arguments.join(" "))));
            }
        }
        Ok(None)
    }

    /// Resumes until it rests.
    fn bring_to_rest(&self) -> std::io::Result<String> {
        let began = now();
        loop {
            let resumed = self.run(&["resume", self.credential])?;
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
