//! `cargo xtask sim`: random histories, deeper than the exhaustive search can go.

use std::process::Command;

use crate::{process, workspace};

/// What `cargo xtask sim` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many histories to run.
    #[arg(long, value_name = "N")]
    seeds: u64,
    /// The seed of the first one; the next ones count up from it.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// Runs the simulator on this terminal.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut command = command(args.seeds);
    if let Some(seed) = args.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    process::hand_over(&mut command)
}

/// The simulator itself: a program of the integration package.
pub(crate) fn command(seeds: u64) -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "keywheel-tests", "--bin", "sim", "--"]);
    command.args(["--seeds", &seeds.to_string()]);
    command
}
