//! A run, told so that somebody can find out why it broke a rule.

use std::fmt::Write;

use futures_util::FutureExt;
use keywheel_domain::ports::Journal;
use keywheel_domain::rotation::{Entry, Event};
use keywheel_testkit::fault::FaultPlan;

use crate::run::{Finished, Operator, Runner};

/// Runs it once more, from its beginning, and tells all of it.
pub fn tell(runner: &Runner, plan: &FaultPlan, operator: Operator) -> String {
    let finished = runner.run(plan, operator);
    let mut story = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut story, &finished);
    story
}

fn write(story: &mut String, finished: &Finished) -> std::fmt::Result {
    writeln!(story, "calls:")?;
    for (index, call) in finished.calls.iter().enumerate() {
        let fault = call.fault.map(|fault| format!("  <- {fault}")).unwrap_or_default();
        writeln!(story, "  {index:4} {} {}.{}{fault}", call.at, call.port, call.method)?;
    }
    writeln!(story, "journal:")?;
    let journal = finished
        .rotation
        .as_ref()
        .map(|id| finished.company.journal.load(id).now_or_never());
    for entry in journal.flatten().and_then(Result::ok).into_iter().flatten() {
        writeln!(story, "  {:4} {} {}", entry.sequence, entry.at, line(&entry))?;
    }
    writeln!(story, "refusals:")?;
    finished.company.world.look(|state| {
        state
            .refusals
            .iter()
            .try_for_each(|refusal| writeln!(story, "  {refusal}"))
    })?;
    writeln!(story, "outcome: {:?}", finished.outcome)?;
    writeln!(story, "violations:")?;
    finished
        .violations
        .iter()
        .try_for_each(|violation| writeln!(story, "  {violation}"))
}

/// An entry in one line; the plan in the first one is left out.
fn line(entry: &Entry) -> String {
    match &entry.event {
        Event::Opened(opened) => {
            let steps: Vec<String> = opened.plan.steps().iter().map(ToString::to_string).collect();
            format!("opened: {}", steps.join(" | "))
        }
        Event::Done { step, .. } => format!("done {step:?}"),
        other => format!("{other:?}"),
    }
}
