//! `cargo xtask faults`: the exhaustive fault search.

use crate::{process, workspace};

/// What `cargo xtask faults` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Handed on to the search; `cargo xtask faults -- --help` names them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs the search on this terminal.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    process::hand_over(command().args(&args.rest))
}

/// The search itself: a program of the integration package.
pub(crate) fn command() -> std::process::Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "keywheel-tests", "--bin", "faults", "--"]);
    command
}
