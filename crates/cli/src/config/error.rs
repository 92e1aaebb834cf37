//! Why a configuration cannot be used: where, what, and how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A problem in `keywheel.toml`. It never holds the text of the line: that could be a secret that was written there by mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    path: PathBuf,
    /// Line and column, counted from 1.
    place: Option<(usize, usize)>,
    /// The field, such as `credential.policy.grace`, and of which credential.
    field: Option<String>,
    problem: String,
}

impl ConfigError {
    /// A problem of the whole file.
    pub(crate) fn of_file(path: &Path, problem: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            place: None,
            field: None,
            problem: problem.into(),
        }
    }

    /// A problem at a byte of the file's text.
    pub(super) fn at(path: &Path, text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        Self {
            place: Some((line, column)),
            ..Self::of_file(path, problem)
        }
    }

    /// The same, about that field.
    #[must_use]
    pub(super) fn about(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ConfigError {}
