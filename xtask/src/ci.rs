//! `cargo xtask ci`: everything that a change must pass, in one order, the same here and on a build server.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::ValueEnum;

mod closing;
mod step;

use step::Step;

/// What `cargo xtask ci` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only this step; may be given more than once.
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave out what runs real servers, which need a container engine.
    #[arg(long)]
    no_containers: bool,
}

/// A step that passed.
#[derive(Debug)]
struct Passed {
    step: Step,
    took: Duration,
    /// What a reader of the summary should know: a number, or what was left out.
    note: String,
}

/// Runs the steps in order, and stops at the first failure.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let steps = Step::value_variants().iter().copied();
    let steps: Vec<_> = steps
        .filter(|step| args.only.is_empty() || args.only.contains(step))
        .collect();
    for step in steps.iter().filter(|step| !(args.no_containers && step.needs_engine())) {
        step.needs_its_tool()?;
    }
    let mut passed = Vec::new();
    for step in steps {
        println!("ci: {step}");
        let start = Instant::now();
        let outcome = step.run(args.no_containers);
        let took = start.elapsed();
        let seconds = took.as_secs_f64();
        match outcome {
            Ok(note) => {
                println!("ci: {step} passed in {seconds:.1} s");
                passed.push(Passed { step, took, note });
            }
            Err(error) => {
                println!("\n{}", summary(&passed));
                bail!(
                    "{step} failed after {seconds:.1} s: {error:#}\nrepeat just this step: cargo xtask ci --only {step}"
                );
            }
        }
    }
    let total: Duration = passed.iter().map(|passed| passed.took).sum();
    let (count, seconds) = (passed.len(), total.as_secs_f64());
    println!("\n{}ci: {count} steps passed in {seconds:.1} s", summary(&passed));
    Ok(())
}

/// A line for each step that passed.
fn summary(passed: &[Passed]) -> String {
    let lines = passed.iter().map(|Passed { step, took, note }| {
        let line = format!("  {:<14} {:>7.1} s  {note}", step.to_string(), took.as_secs_f64());
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Passed, Step, summary};

    #[test]
    fn the_summary_has_a_line_for_each_step() {
        let passed = [
            Passed {
                step: Step::Fmt,
                took: Duration::from_millis(1_240),
                note: String::new(),
            },
            Passed {
                step: Step::DemoFault,
                took: Duration::from_secs(41),
                note: "0 refused".into(),
            },
        ];
        let expected = "  fmt                1.2 s\n  demo-fault        41.0 s  0 refused\n";
        assert_eq!(summary(&passed), expected);
    }
}
