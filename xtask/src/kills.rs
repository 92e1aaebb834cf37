//! `cargo xtask kills`: real rotations, killed for real at random moments.

use std::process::Command;

use crate::engine::Engine;
use crate::{images, process, workspace};

/// What is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Of {
    /// Signing keys in folders.
    Jwt,
    /// Roles of a real PostgreSQL.
    Postgres,
    /// Users of a real Redis.
    Redis,
}

impl Of {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

/// What `cargo xtask kills` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is rotated.
    #[arg(long, value_name = "WHAT", default_value = "jwt")]
    of: Of,
    /// How many rotations are killed.
    #[arg(long, value_name = "N", default_value_t = 200)]
    runs: u64,
    /// The seed of the moments.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Runs it on this terminal.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    prepare(args.of)?;
    process::hand_over(&mut command(args.of, args.runs, args.seed))
}

/// Builds the command that is killed, which the program looks for beside itself, and makes the images that it starts.
pub(crate) fn prepare(of: Of) -> anyhow::Result<()> {
    match of {
        Of::Jwt => {}
        Of::Postgres | Of::Redis => images::ensure(Engine::find()?)?,
    }
    process::hand_over(workspace::cargo().args(["build", "--quiet", "--package", "keywheel-cli"]))
}

/// The program that kills: one of the integration package.
pub(crate) fn command(of: Of, runs: u64, seed: u64) -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "keywheel-tests", "--bin", "kills", "--"]);
    command.args(["--of", of.name()]);
    command.args(["--runs", &runs.to_string(), "--seed", &seed.to_string()]);
    command
}
