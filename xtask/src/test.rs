//! `cargo xtask test`: every test of the workspace.
//!
//! It needs nothing but Rust and a C compiler: cargo-nextest is used where it is installed, because it runs tests
//! of different packages side by side and ends those that hang; plain `cargo test` otherwise.

use std::process::Command;

use anyhow::bail;

use crate::process::{self, Output};
use crate::workspace;

mod count;

use count::Count;

/// What `cargo xtask test` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Run only the tests whose names contain one of these.
    #[arg(last = true)]
    filter: Vec<String>,
}

/// Runs the tests, shows what the runner says, and closes with the count of all.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut count = Count::default();
    let mut failed = Vec::new();
    for (mut command, output) in runners(&args.filter) {
        let run = process::run(&mut command, output)?;
        count.add(&run.lines);
        if !run.success {
            failed.push(process::spelled(&command));
        }
    }
    println!("\ntests: {count}");
    if !failed.is_empty() {
        bail!("`{}` failed", failed.join("` and `"));
    }
    if count.ran() == 0 {
        bail!("no test was run");
    }
    Ok(())
}

/// The commands that together run every test. That no test of one of them fits the filter is no failure.
fn runners(filter: &[String]) -> Vec<(Command, Output)> {
    let mut runners = Vec::new();
    if process::answers(workspace::cargo().args(["nextest", "--version"])) {
        let mut nextest = workspace::cargo();
        nextest.args(["nextest", "run", "--workspace", "--no-tests", "pass"]);
        if workspace::on_build_server() {
            nextest.args(["--profile", "ci"]);
        }
        runners.push((nextest, Output::Show));
        // Nextest does not know the examples in the documentation, and rustdoc closes each package with a paragraph.
        let mut examples = workspace::cargo();
        examples.args(["test", "--quiet", "--workspace", "--doc"]);
        runners.push((examples, Output::OnFailure));
    } else {
        let mut all = workspace::cargo();
        all.args(["test", "--workspace", "--no-fail-fast"]);
        runners.push((all, Output::Show));
    }
    for (runner, _) in &mut runners {
        if !filter.is_empty() {
            runner.arg("--").args(filter);
        }
    }
    runners
}
