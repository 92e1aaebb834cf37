//! The container engine: Docker, or Podman, which takes the same commands.

use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::process::{self, Output};

/// What to do when there is none. The testkit says the same to those who start a test by themselves.
const NO_ENGINE: &str = "no container engine answers: start Docker or Podman, \
     or leave out the tests that need one: `--no-containers`";

/// The label that the testkit gives its containers: the process that started them.
const OWNER: &str = "org.keywheel.test-process";

/// An engine that answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine {
    program: &'static str,
}

impl Engine {
    /// The engine of this machine; an error that says what to do if none answers.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let version = ["version", "--format", "{{.Server.Version}}"];
        let answers = |program: &&str| process::answers(Command::new(program).args(version));
        match ["docker", "podman"].into_iter().find(answers) {
            Some(program) => Ok(Self { program }),
            None => bail!(NO_ENGINE),
        }
    }

    /// A call of its command line.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(self.program);
        // Asked for by this variable, the newer builder fails where its plug-in is not installed; unasked, the right one is taken.
        command.env_remove("DOCKER_BUILDKIT");
        command
    }

    /// Runs one of its commands, and returns what it said; what went wrong is shown.
    pub(crate) fn run(self, args: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut command = self.command();
        let run = process::run(command.args(args), Output::OnFailure)?;
        if !run.success {
            bail!("`{}` failed", process::spelled(&command));
        }
        Ok(run.lines)
    }

    /// Removes the containers of tests whose process was killed before it could; says how many there were.
    ///
    /// Those of a run that goes on beside this one are not touched.
    pub(crate) fn remove_leftovers(self) -> anyhow::Result<usize> {
        let label = format!("label={OWNER}");
        let format = format!("{{{{.ID}}}} {{{{.Label \"{OWNER}\"}}}}");
        let managed = "label=org.testcontainers.managed-by=testcontainers";
        let lines = self.run(&[
            "ps", "--all", "--filter", &label, "--filter", managed, "--format", &format,
        ])?;
        let left = orphans(&lines, is_alive);
        if !left.is_empty() {
            let mut remove = vec!["rm", "--force", "--volumes"];
            remove.extend(&left);
            self.run(&remove)?;
        }
        Ok(left.len())
    }
}

/// The containers whose owner is gone, of lines that say container and owner.
fn orphans(lines: &[String], is_alive: impl Fn(u32) -> bool) -> Vec<&str> {
    let pairs = lines.iter().filter_map(|line| line.trim().split_once(' '));
    let owned = pairs.filter_map(|(container, owner)| Some((container, owner.parse().ok()?)));
    owned
        .filter(|(_, owner)| !is_alive(*owner))
        .map(|(container, _)| container)
        .collect()
}

/// True if there is a process of that number.
fn is_alive(process: u32) -> bool {
    if Path::new("/proc/self").exists() {
        return Path::new("/proc").join(process.to_string()).exists();
    }
    process::answers(Command::new("ps").args(["-p", &process.to_string()]))
}

#[cfg(test)]
mod tests {
    use super::{is_alive, orphans};

    #[test]
    fn only_containers_whose_process_is_gone_are_left_over() {
        let lines = ["aaa 10", "bbb 11", "", "ccc", "ddd x"].map(str::to_owned);
        assert_eq!(orphans(&lines, |process| process == 10), ["bbb"]);
    }

    #[test]
    fn this_process_lives_and_one_that_ended_does_not() {
        assert!(is_alive(std::process::id()));
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        assert!(!is_alive(ended.id()));
    }
}
