//! `cargo xtask kills`: real rotations, killed for real at random moments.

use std::process::Command;

use crate::{process, workspace};

/// What `cargo xtask kills` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many rotations are killed.
    #[arg(long, value_name = "N", default_value_t = 200)]
    runs: u64,
    /// The seed of the moments.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Runs it on this terminal.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    build()?;
    process::hand_over(&mut command(args.runs, args.seed))
}

/// Builds the command that is killed: the program looks for it beside itself.
pub(crate) fn build() -> anyhow::Result<()> {
    process::hand_over(workspace::cargo().args(["build", "--quiet", "--package", "keywheel-cli"]))
}

/// The program that kills: one of the integration package.
pub(crate) fn command(runs: u64, seed: u64) -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "keywheel-tests", "--bin", "kills", "--"]);
    command.args(["--runs", &runs.to_string(), "--seed", &seed.to_string()]);
    command
}
