//! Running a program, and keeping what it said.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Whether a program's output appears while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Kept, and never shown here.
    Keep,
    /// Kept, and shown if the program fails.
    OnFailure,
    /// Shown line by line, and kept.
    Show,
}

/// What a program did.
#[derive(Debug)]
pub(crate) struct Run {
    /// It ended with exit code 0.
    pub(crate) success: bool,
    /// Standard output and standard error, in the order in which they were written.
    pub(crate) lines: Vec<String>,
}

impl Run {
    /// The last line that says anything.
    pub(crate) fn last_line(&self) -> &str {
        let spoken = self.lines.iter().rev().map(|line| line.trim());
        spoken.into_iter().find(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// Runs a program to its end, with both of its outputs merged.
pub(crate) fn run(command: &mut Command, output: Output) -> anyhow::Result<Run> {
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("could not start `{}`", spelled(command)))?;
    // The command holds the writing end of the pipe, which must close or reading never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if output == Output::Show {
            println!("{line}");
        }
        lines.push(line);
    }
    let success = child.wait()?.success();
    if output == Output::OnFailure && !success {
        println!("{}", lines.join("\n"));
    }
    Ok(Run { success, lines })
}

/// Runs a program on this terminal; an error if it fails.
pub(crate) fn hand_over(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start `{}`", spelled(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", spelled(command));
    }
    Ok(())
}

/// True if a program can be started and answers.
pub(crate) fn answers(command: &mut Command) -> bool {
    run(command, Output::Keep).is_ok_and(|run| run.success)
}

/// True if a program can be started and succeeds in time; one that takes longer is ended. Nothing of what it says is shown.
pub(crate) fn succeeds_within(command: &mut Command, limit: Duration) -> anyhow::Result<bool> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return Ok(false);
    };
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// The command as a person would type it.
pub(crate) fn spelled(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{Output, answers, hand_over, run, spelled, succeeds_within};
    use crate::workspace;

    #[test]
    fn what_a_program_says_is_kept() {
        let run = run(workspace::cargo().arg("--version"), Output::Keep).unwrap();
        assert!(run.success);
        assert!(run.last_line().starts_with("cargo "), "{run:?}");
    }

    #[test]
    fn a_failure_is_kept_with_its_standard_error() {
        let run = run(workspace::cargo().arg("no-such-verb"), Output::Keep).unwrap();
        assert!(!run.success);
        assert!(run.lines.iter().any(|line| line.contains("no-such-verb")));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mut command = Command::new("keywheel-no-such-program");
        assert!(!answers(&mut command));
        let error = hand_over(&mut command).unwrap_err();
        assert!(error.to_string().contains("keywheel-no-such-program"));
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        assert!(succeeds_within(&mut Command::new("true"), Duration::from_secs(60)).unwrap());
        assert!(!succeeds_within(&mut Command::new("false"), Duration::from_secs(60)).unwrap());
        assert!(!succeeds_within(Command::new("sleep").arg("600"), Duration::ZERO).unwrap());
    }

    #[test]
    fn a_command_is_spelled_as_it_is_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["fmt", "--check"]);
        assert_eq!(spelled(&command), "cargo fmt --check");
    }
}
