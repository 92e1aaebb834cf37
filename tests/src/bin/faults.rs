//! The fault search: every shape of plan, every trigger, every single fault and every crash point, and pairs of them. Pairs are left
//! out where those of a longer plan cover them (routine plans, and plans without an archive); `--everything` searches these too. Its last line is `faults: S singles, P pairs, M mutants caught of M, 0 violations, T s`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use keywheel_testkit::fault::FaultPlan;
use keywheel_tests::case::Case;
use keywheel_tests::mutant::MUTANTS;
use keywheel_tests::run::{Operator, Runner};
use keywheel_tests::search::{Caught, Depth, Tally, search};
use keywheel_tests::story;

const HELP: &str = "\
usage: faults [--shape NAME] [--singles | --everything] [--threads N]
       faults --shape NAME --fault PLAN [--operator resume|rollback]
       faults --list

Searches every shape of plan with every trigger for a fault, or a pair of faults, that breaks a rule.

  --shape NAME       only the shapes whose name begins so, such as `key-ring` or `twin-keys-routine`
  --singles          only single faults
  --everything       pairs even where those of a longer plan cover them: routine plans, and plans without an archive
  --threads N        how many threads; 2 by default
  --fault PLAN       tells the story of one run, such as `12:hang,30:crash`
  --operator WHO     what the operator of that run does; `resume` by default
  --list             the names of all shapes
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command(&arguments) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("{problem}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// What was asked for.
#[derive(Debug, Default)]
struct Options {
    shape: Option<String>,
    fault: Option<FaultPlan>,
    rolls_back: bool,
    singles: bool,
    everything: bool,
    threads: Option<usize>,
}

fn command(arguments: &[String]) -> Result<ExitCode, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--help" => {
                println!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            "--list" => {
                Case::all().iter().for_each(|case| println!("{}", case.name));
                return Ok(ExitCode::SUCCESS);
            }
            "--shape" => options.shape = Some(value()?.clone()),
            "--fault" => options.fault = Some(value()?.parse().map_err(|error| format!("{error}"))?),
            "--operator" => options.rolls_back = value()? == "rollback",
            "--singles" => options.singles = true,
            "--everything" => options.everything = true,
            "--threads" => options.threads = Some(value()?.parse().map_err(|_| "--threads needs a number")?),
            other => return Err(format!("there is no option {other}")),
        }
    }
    match &options.fault {
        Some(plan) => one_story(&options, plan),
        None => Ok(everything(&options)),
    }
}

fn one_story(options: &Options, plan: &FaultPlan) -> Result<ExitCode, String> {
    let name = options.shape.as_deref().unwrap_or_default();
    let case = Case::named(name).ok_or(format!("there is no shape {name:?}; `--list` names them"))?;
    let operator = if options.rolls_back {
        Operator::RollsBack
    } else {
        Operator::Resumes
    };
    println!("{}", story::tell(&Runner::new(case), plan, operator));
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn everything(options: &Options) -> ExitCode {
    let began = Instant::now();
    let mut total = Tally::default();
    let wanted = |case: &Case| options.shape.as_ref().is_none_or(|shape| case.name.starts_with(shape));
    for case in Case::all().into_iter().filter(wanted) {
        let deep = !options.singles && (options.everything || case.is_longest);
        let depth = if deep { Depth::Pairs } else { Depth::Singles };
        let runner = Runner::new(case);
        let tally = search(&runner, depth, options.threads.unwrap_or(2), &AtomicBool::new(false));
        let seconds = began.elapsed().as_secs_f64();
        let Tally {
            singles,
            pairs,
            violations,
            ..
        } = tally;
        let name = &runner.case.name;
        eprintln!("{seconds:7.1} s  {name:36} {singles:5} singles {pairs:7} pairs {violations} violations");
        tally.caught.iter().for_each(|caught| tell(&runner, caught));
        total.add(tally);
    }
    let caught = MUTANTS.iter().filter(|mutant| {
        let caught = mutant.catch();
        match &caught {
            Some(caught) => eprintln!("mutant caught: it {} ({})", mutant.name, caught.violations[0]),
            None => eprintln!("mutant NOT caught: it {}", mutant.name),
        }
        caught.is_some()
    });
    let (caught, mutants) = (caught.count(), MUTANTS.len());
    let Tally {
        singles,
        pairs,
        violations,
        ..
    } = total;
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "faults: {singles} singles, {pairs} pairs, {caught} mutants caught of {mutants}, {violations} violations, {seconds:.1} s"
    );
    if violations == 0 && caught == mutants {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One violation as a story, with the command that tells it again.
fn tell(runner: &Runner, caught: &Caught) {
    let operator = match caught.operator {
        Operator::Resumes => "resume",
        Operator::RollsBack => "rollback",
    };
    eprintln!(
        "\nviolation: --shape {} --fault {} --operator {operator}",
        caught.case, caught.plan
    );
    eprintln!("{}", story::tell(runner, &caught.plan, caught.operator));
}
