use std::path::PathBuf;

use serde::Deserialize;

use super::{Length, seconds};

/// What consumes a credential on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WorkloadConfig {
    /// A command has it pick a delivery up.
    Command(CommandWorkloadConfig),
    /// It picks a delivery up by itself.
    None(QuietWorkloadConfig),
}

/// A workload that a command reloads or restarts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandWorkloadConfig {
    /// Its name for people.
    pub name: String,
    /// The program and its arguments; no shell is involved.
    pub roll_out: Vec<String>,
    /// A command that exits with 0 where a roll-out would work. It must change nothing.
    pub preflight: Option<Vec<String>>,
    /// How long each of these commands may run.
    #[serde(default = "one_minute")]
    pub timeout: Length,
    /// Where its instances say what they run.
    pub report: Option<ReportConfig>,
}

/// A workload that watches its files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietWorkloadConfig {
    /// Its name for people.
    pub name: String,
    /// Where its instances say what they run.
    pub report: Option<ReportConfig>,
}

/// Where instances report what they run: exactly one of `files`, `command` and `url`.
///
/// Each yields JSON: a report `{"instance", "revision", ...}` as the JWT key ring writes it, or a list of reports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// Files, one for each instance or each with a list. `*` in a file's name stands for anything.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// A command that prints the report.
    pub command: Option<Vec<String>>,
    /// An address that answers with the report.
    pub url: Option<String>,
    /// How long the command or the address may take.
    #[serde(default = "ten_seconds")]
    pub timeout: Length,
    /// A report that is older than this says nothing.
    #[serde(default = "one_minute")]
    pub stale_after: Length,
}

fn one_minute() -> Length {
    seconds(60)
}

fn ten_seconds() -> Length {
    seconds(10)
}
