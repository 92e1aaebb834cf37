//! `cargo xtask test`: every test of the workspace.
//!
//! It needs Rust, a C compiler, and a container engine for the tests on real servers, which stand in modules named `real`.
//! cargo-nextest is used where it is installed, because it runs tests of different packages side by side and ends those that
//! hang; plain `cargo test` otherwise.

use std::process::Command;

use anyhow::bail;

use crate::engine::Engine;
use crate::process::{self, Output};
use crate::{images, workspace};

mod count;
mod real;

use count::Count;

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests on real servers, which need a container engine.
    #[arg(long)]
    no_containers: bool,
    /// Run only the tests whose names contain one of these.
    #[arg(last = true)]
    filter: Vec<String>,
}

impl Args {
    /// Everything, or everything but the tests on real servers.
    pub(crate) fn all(no_containers: bool) -> Self {
        Self {
            no_containers,
            filter: Vec::new(),
        }
    }
}

/// Runs the tests, shows what the runner says, and closes with the count of all; returns what was left out, if anything.
pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let engine = if args.no_containers { None } else { Some(prepared()?) };
    let nextest = process::answers(workspace::cargo().args(["nextest", "--version"]));
    let mut count = Count::default();
    let mut failed = Vec::new();
    for (mut command, output) in runners(nextest, args) {
        let run = process::run(&mut command, output)?;
        count.add(&run.lines);
        if !run.success {
            failed.push(process::spelled(&command));
        }
    }
    if let Some(engine) = engine {
        clean_up(engine)?;
    }
    let left_out = match engine {
        Some(_) => String::new(),
        // What failed may have been the build, and then there is no list of tests either.
        None if !failed.is_empty() => String::from("LEFT OUT: the tests that need a container engine"),
        None => {
            let many = real::count(nextest, &args.filter)?;
            format!("LEFT OUT: {many} tests that need a container engine")
        }
    };
    println!("\ntests: {count}");
    if !left_out.is_empty() {
        println!("{left_out}");
    }
    if !failed.is_empty() {
        bail!("`{}` failed", failed.join("` and `"));
    }
    if count.ran() == 0 {
        bail!("no test was run");
    }
    Ok(left_out)
}

/// The engine, with the images that tests need and without what an earlier run left.
pub(crate) fn prepared() -> anyhow::Result<Engine> {
    let engine = Engine::find()?;
    clean_up(engine)?;
    images::ensure(engine)?;
    Ok(engine)
}

/// Removes what no test owns any more, because its process was killed.
fn clean_up(engine: Engine) -> anyhow::Result<()> {
    match engine.remove_leftovers()? {
        0 => {}
        1 => println!("removed 1 container that a test had left"),
        many => println!("removed {many} containers that tests had left"),
    }
    Ok(())
}

/// The commands that together run every test. That no test of one of them fits the filter is no failure.
fn runners(nextest: bool, args: &Args) -> Vec<(Command, Output)> {
    let mut runners = Vec::new();
    if nextest {
        let mut nextest = workspace::cargo();
        nextest.args(["nextest", "run", "--workspace", "--no-tests", "pass"]);
        if workspace::on_build_server() {
            nextest.args(["--profile", "ci"]);
        }
        if args.no_containers {
            nextest.args(["--filterset", real::NONE]);
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
        if !args.filter.is_empty() || (!nextest && args.no_containers) {
            runner.arg("--").args(&args.filter);
        }
        if !nextest && args.no_containers {
            runner.args(["--skip", real::MODULE]);
        }
    }
    runners
}
