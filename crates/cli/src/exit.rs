//! What the exit code says. Scripts rely on these numbers: they are documented in `docs/exit-codes.md` and never change their
//! meaning.

use std::process::ExitCode;

use keywheel_app::AppError;
use keywheel_domain::ports::JournalError;

use crate::config::ConfigError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line makes no sense, or a question could not be asked.
    Usage = 2,
    /// The configuration cannot be used.
    Config = 3,
    /// No such credential or rotation, or it is not adopted.
    NotFound = 4,
    /// There is no safe plan.
    Unsafe = 5,
    /// The rotation went back: the old version is in use.
    RolledBack = 6,
    /// The rotation cannot go on by itself.
    Stuck = 7,
    /// The rotation waits: for an approval, or for longer than it was to be waited for.
    Waits = 8,
    /// Another rotation or another driver is in the way.
    Busy = 9,
    /// A check found something that is not as it should be, or could not tell.
    Wrong = 10,
    /// Stopped by a signal. A rotation that was under way can be resumed.
    Interrupted = 130,
}

/// The table at the end of `keywheel --help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  failed
    2  wrong usage, or a question that nobody could be asked
    3  the configuration cannot be used
    4  no such credential or rotation, or it is not adopted
    5  there is no safe plan
    6  the rotation was rolled back
    7  the rotation is stuck: `resume` or `rollback` it
    8  the rotation waits: for an approval, or for its time
    9  another rotation or another driver is in the way
   10  a check found something wrong, or could not tell
  130  interrupted: `resume` goes on where it stopped";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the command line itself, with its exit code and what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    exit: Exit,
    message: String,
}

impl Problem {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The exit code of an error.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    let known = error.chain().find_map(|cause| {
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            return Some(problem.exit);
        }
        if cause.is::<ConfigError>() {
            return Some(Exit::Config);
        }
        cause.downcast_ref::<AppError>().map(of_app)
    });
    known.unwrap_or(Exit::Failed)
}

fn of_app(error: &AppError) -> Exit {
    match error {
        AppError::UnknownCredential(_)
        | AppError::NotAdopted(_)
        | AppError::UnknownRotation(_)
        | AppError::NothingActive(_) => Exit::NotFound,
        AppError::Unusable { .. } => Exit::Config,
        AppError::NoPlan { .. } => Exit::Unsafe,
        AppError::Journal(JournalError::Held { .. } | JournalError::Fenced | JournalError::Active(_)) => Exit::Busy,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_help_list_every_code() {
        let page = include_str!("../../../docs/exit-codes.md");
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Config,
            Exit::NotFound,
            Exit::Unsafe,
            Exit::RolledBack,
            Exit::Stuck,
            Exit::Waits,
            Exit::Busy,
            Exit::Wrong,
            Exit::Interrupted,
        ];
        for code in codes.map(|code| code as u8) {
            assert!(HELP.contains(&format!("{code:>5}  ")), "{code} is not in the help");
            assert!(
                page.contains(&format!("| {code} |")),
                "{code} is not in docs/exit-codes.md"
            );
        }
        assert_eq!(HELP.lines().count(), codes.len() + 1);
    }

    #[test]
    fn an_error_keeps_its_code_under_context() {
        let error = anyhow::Error::from(Problem::new(Exit::Wrong, "no")).context("while looking");
        assert_eq!(of(&error), Exit::Wrong);
        let error = anyhow::Error::from(AppError::NotAdopted("a".parse().unwrap())).context("while looking");
        assert_eq!(of(&error), Exit::NotFound);
        assert_eq!(of(&anyhow::anyhow!("no")), Exit::Failed);
    }
}
