//! Commands of the operator: in a process group of their own, with a time limit, an almost empty environment, nothing on
//! their input, and as much of their output as people can read.

mod group;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use jiff::SignedDuration;
use keywheel_domain::ports::{Clock, PortError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::config::Surroundings;
use crate::error::invalid;
use crate::redact;

use group::Group;

/// What is kept of an output that is for people.
pub(crate) const OUTPUT_LIMIT: usize = 64 * 1024;
/// What a child gets of our environment. Secrets live in environments, so everything else stays here.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];
/// How long a command has to end by itself once its time is up.
const TERM_GRACE: SignedDuration = SignedDuration::from_secs(5);
/// How long an output may stay open after the command has ended: what it started in the background may hold it.
const OUTPUT_GRACE: SignedDuration = SignedDuration::from_millis(200);

/// A command line that was checked.
#[derive(Clone)]
pub(crate) struct CommandLine {
    program: String,
    arguments: Vec<String>,
}

/// How a command is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) timeout: SignedDuration,
    /// How much of each output is kept.
    pub(crate) limit: usize,
    /// What the command is told, in its environment. Never material.
    pub(crate) variables: &'a [(&'static str, String)],
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
}

/// The beginning of an output.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// A command that did not end by itself.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was never started.
    NotStarted(io::Error),
    /// Its time was up, and its process group was killed.
    TimedOut,
    /// It ran, and how it ended cannot be told.
    Lost(io::Error),
}

impl CommandLine {
    /// The program and its arguments.
    ///
    /// # Errors
    /// `Invalid` where there is no program; `what` names the place in the configuration.
    pub(crate) fn new(what: &str, words: &[String]) -> Result<Self, PortError> {
        match words.split_first() {
            Some((program, arguments)) if !program.is_empty() => Ok(Self {
                program: program.clone(),
                arguments: arguments.to_vec(),
            }),
            _ => Err(invalid(format!(
                "{what} names no program; write it as a list such as [\"systemctl\", \"reload\", \"goimg-api\"]"
            ))),
        }
    }

    /// The program, for people. Arguments are not shown: somebody may have put a secret there after all.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Whether the program can be found and executed.
    pub(crate) fn is_executable(&self, base: &Path) -> bool {
        let executable = |path: &Path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
        if self.program.contains('/') {
            return executable(&base.join(&self.program));
        }
        let search = inherited().find(|(name, _)| *name == "PATH").map(|(_, value)| value);
        search
            .is_some_and(|search| std::env::split_paths(&search).any(|folder| executable(&folder.join(&self.program))))
    }

    /// Runs the command to its end. Dropping the future kills its process group.
    pub(crate) async fn run(&self, run: Run<'_>) -> Result<Ended, Failure> {
        let clock = run.surroundings.clock.as_ref();
        let mut child = self.spawn(&run).map_err(Failure::NotStarted)?;
        let mut group = Group::of(&child);
        let work = async {
            let outputs = Outputs::of(&mut child, run.limit);
            let ended = outputs.until(child.wait(), clock).await;
            ended.map_err(Failure::Lost)
        };
        let ended = tokio::select! {
            biased;
            ended = work => Some(ended),
            () = clock.sleep(run.timeout) => None,
        };
        match ended {
            Some(ended) => {
                // What the command left running in the background is meant to run: a restarted service, for example.
                group.release();
                ended
            }
            None => {
                stop(&mut child, &mut group, clock).await;
                Err(Failure::TimedOut)
            }
        }
    }

    fn spawn(&self, run: &Run<'_>) -> io::Result<Child> {
        let base = &run.surroundings.base;
        let program = match self.program.contains('/') {
            true => base.join(&self.program).into_os_string(),
            false => OsString::from(&self.program),
        };
        Command::new(program)
            .args(&self.arguments)
            .current_dir(base)
            .env_clear()
            .envs(inherited())
            .envs(run.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` with {} arguments", self.program, self.arguments.len())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "these few are not configuration but what programs need to run at all"
)]
fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
}

/// Asks the group to end, then ends it.
async fn stop(child: &mut Child, group: &mut Group, clock: &dyn Clock) {
    group.terminate();
    tokio::select! {
        biased;
        _ = child.wait() => {}
        () = clock.sleep(TERM_GRACE) => {}
    }
    // Also where the leader has ended: whoever it started may have ignored the request.
    group.kill();
    // It cannot ignore this; waiting only removes it from the process table.
    let _ = child.wait().await;
}

/// Both outputs of a child, while they are read.
struct Outputs<Out, Err> {
    stdout: Reader<Out>,
    stderr: Reader<Err>,
}

struct Reader<Pipe> {
    pipe: Option<Pipe>,
    captured: Captured,
    limit: usize,
}

impl Outputs<tokio::process::ChildStdout, tokio::process::ChildStderr> {
    fn of(child: &mut Child, limit: usize) -> Self {
        Self {
            stdout: Reader::new(child.stdout.take(), limit),
            stderr: Reader::new(child.stderr.take(), limit),
        }
    }

    /// Reads until the child has ended, and a moment longer where somebody still holds an output open.
    async fn until(
        mut self,
        ended: impl Future<Output = io::Result<ExitStatus>>,
        clock: &dyn Clock,
    ) -> io::Result<Ended> {
        let status = {
            let reading = async { tokio::join!(self.stdout.read_all(), self.stderr.read_all()) };
            tokio::pin!(reading, ended);
            tokio::select! {
                status = &mut ended => {
                    let status = status?;
                    tokio::select! {
                        biased;
                        _ = &mut reading => {}
                        () = clock.sleep(OUTPUT_GRACE) => {}
                    }
                    status
                }
                _ = &mut reading => ended.await?,
            }
        };
        Ok(Ended {
            status,
            stdout: self.stdout.captured,
            stderr: self.stderr.captured,
        })
    }
}

impl<Pipe: AsyncRead + Unpin> Reader<Pipe> {
    fn new(pipe: Option<Pipe>, limit: usize) -> Self {
        let captured = Captured {
            // The exact capacity: output may hold secrets, and a vector that grows leaves unwiped copies behind.
            bytes: Zeroizing::new(Vec::with_capacity(limit)),
            cut: false,
        };
        Self { pipe, captured, limit }
    }

    /// Reads to the end. What is over the limit is read and thrown away, so that the command does not hang on a full pipe.
    async fn read_all(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = Zeroizing::new([0; 4096]);
        loop {
            match pipe.read(chunk.as_mut_slice()).await {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    let room = self.limit - self.captured.bytes.len();
                    self.captured.bytes.extend_from_slice(&chunk[..length.min(room)]);
                    self.captured.cut |= length > room;
                }
            }
        }
    }
}

impl Ended {
    /// How it ended and what it said last, for people, with secrets hidden.
    pub(crate) fn story(&self) -> String {
        let said = redact::excerpt(match self.stderr.bytes.is_empty() {
            true => &self.stdout.bytes,
            false => &self.stderr.bytes,
        });
        match said.is_empty() {
            true => self.status.to_string(),
            false => format!("{}: {said}", self.status),
        }
    }
}

#[cfg(test)]
mod tests;
