//! Keywheel's own automation: `cargo xtask <verb>`.
//!
//! One program instead of scripts, so that it runs wherever Rust runs and is tested like the rest.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers speaks on the terminal"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "automation measures real time and reads the real environment"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod ci;
mod codegen;
mod engine;
mod faults;
mod images;
mod kills;
mod process;
mod sim;
mod test;
mod tidy;
mod workspace;

/// Keywheel's own automation.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Everything that a change must pass, in order; stops at the first failure.
    Ci(ci::Args),
    /// All tests, with cargo-nextest where it is installed.
    Test(test::Args),
    /// The images of the servers that tests run; those that are missing.
    Images(images::Args),
    /// The house rules that neither rustc nor clippy knows.
    Tidy,
    /// The fault search: every single fault, and every pair of faults but those that a longer plan covers.
    Faults(faults::Args),
    /// Real rotations, killed for real at random moments.
    Kills(kills::Args),
    /// Random deeper histories; one seed is always one history.
    Sim(sim::Args),
    /// The speed goals, ours against a baseline, in one run.
    Bench(bench::Args),
    /// The documents that are made from the code.
    Codegen(codegen::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Ci(args) => ci::run(&args),
        Verb::Test(args) => test::run(&args).map(|_| ()),
        Verb::Images(args) => images::run(&args),
        Verb::Tidy => tidy::run(),
        Verb::Faults(args) => faults::run(&args),
        Verb::Kills(args) => kills::run(&args),
        Verb::Sim(args) => sim::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Codegen(args) => codegen::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
