//! `cargo xtask bench`: every speed goal in one run, ours against a baseline measured beside it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, bail};

use crate::{process, test, workspace};

mod figure;

use figure::Figure;

/// The programs that measure: package and benchmark. Each prints one JSON object a line for each figure.
const PROGRAMS: [(&str, &str); 6] = [
    ("keywheel-jwt", "ring"),
    ("keywheel-app", "engine"),
    ("keywheel-cli", "start"),
    ("keywheel-cli", "inventory"),
    ("keywheel-tests", "postgres"),
    ("keywheel-tests", "redis"),
];

/// The package whose benchmarks need a container engine.
const ON_SERVERS: &str = "keywheel-tests";

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Run only this benchmark; may be given more than once.
    #[arg(long, value_name = "NAME", value_parser = PROGRAMS.map(|(_, bench)| bench))]
    only: Vec<String>,
}

/// Measures everything; an error if a goal is missed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = |(_, bench): &(&str, &str)| args.only.is_empty() || args.only.iter().any(|only| only == bench);
    let wanted: Vec<_> = PROGRAMS.into_iter().filter(wanted).collect();
    if wanted.iter().any(|(package, _)| *package == ON_SERVERS) {
        test::prepared()?;
    }
    let mut figures = Vec::new();
    for (package, bench) in wanted {
        eprintln!("measuring {package} {bench}");
        figures.extend(measure(package, bench, args.json)?);
    }
    if !args.json {
        print!("{}", figure::table(&figures));
    }
    let missed: Vec<_> = figures.iter().filter(|figure| !figure.holds).collect();
    if missed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missed.iter().map(|figure| figure.name.as_str()).collect();
    bail!(
        "{} of {} goals missed: {}",
        missed.len(),
        figures.len(),
        names.join(", ")
    )
}

/// Runs one program and reads its figures. In JSON mode each line is passed on as it comes, with every field that it has.
fn measure(package: &str, bench: &str, json: bool) -> anyhow::Result<Vec<Figure>> {
    let mut command = workspace::cargo();
    command.args(["bench", "--quiet", "--package", package, "--bench", bench]);
    command.stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().context("standard output is piped")?;
    let mut figures = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if !line.starts_with('{') {
            eprintln!("{line}");
            continue;
        }
        figures.push(Figure::parse(&line).with_context(|| format!("`{bench}` printed {line}"))?);
        if json {
            println!("{line}");
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` ended with {status}", process::spelled(&command));
    }
    if figures.is_empty() {
        bail!("`{}` printed no figure", process::spelled(&command));
    }
    Ok(figures)
}
