//! The safety rule: whatever some consumer presents, every acceptor accepts.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::reach::World;
use super::{Overlap, PlanRecord, Step};
use crate::id::VersionNumber;

type Versions = BTreeSet<VersionNumber>;

/// `P` and `A` at one moment: what some consumer may present, and what every acceptor accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What some consumer may present.
    pub presented: Versions,
    /// What every acceptor accepts.
    pub accepted: Versions,
}

/// A step during which consumers are refused, and that somebody declared acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// The step.
    pub step: usize,
    /// Its name.
    pub name: String,
    /// What may be presented during it and is not accepted.
    pub refused: Versions,
    /// The reason that was given.
    pub reason: String,
}

/// The shortest story of how a consumer would be locked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterExample {
    /// The steps that lead there, by name; the last one does the harm.
    pub story: Vec<String>,
    /// Where the unwinding begins in the story, if it happens in one.
    pub unwound_after: Option<usize>,
    /// What may be presented and is refused; empty where the story only ends wrong.
    pub refused: Versions,
    /// `P` and `A` at the end of the story.
    pub state: State,
    /// How versions overlap.
    pub overlap: Overlap,
    /// What would make it right.
    pub advice: String,
}

impl fmt::Display for CounterExample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::text::counter_example(self, f)
    }
}

impl std::error::Error for CounterExample {}

/// Walks the plan and the unwinding from every step. A declared interruption excuses nothing but consumers that
/// present a version which it covers.
pub(super) fn check(record: &PlanRecord, unwindings: &[Vec<Step>]) -> Result<Vec<Interruption>, Box<CounterExample>> {
    let mut interruptions = Vec::new();
    let mut world = World::before(record);
    for (index, step) in record.steps.iter().enumerate() {
        let after = world.after(step);
        let refused = refused(&world, &after);
        if !refused.is_empty() {
            match &record.declared {
                Some(declared) if refused.is_subset(&declared.covers) => interruptions.push(Interruption {
                    step: index,
                    name: step.name().to_owned(),
                    refused,
                    reason: declared.reason.clone(),
                }),
                Some(_) | None => return Err(story(record, &record.steps[..=index], None, refused, &after)),
            }
        }
        if let Some(unwinding) = unwindings.get(index) {
            check_unwinding(record, index, unwinding, &world.or(&after))?;
        }
        world = after;
    }
    ends_on(record, record.new, &world, || {
        story(record, &record.steps, None, Versions::new(), &world)
    })?;
    Ok(interruptions)
}

/// The way back after the step at `index` was cut off anywhere in its middle.
fn check_unwinding(
    record: &PlanRecord,
    index: usize,
    unwinding: &[Step],
    cut_off: &World,
) -> Result<(), Box<CounterExample>> {
    let mut world = cut_off.clone();
    let mut steps = record.steps[..=index].to_vec();
    for step in unwinding {
        let after = world.after(step);
        steps.push(step.clone());
        let refused = refused(&world, &after);
        // An interruption that was declared has to be undone through the same interruption.
        let excused = record.declared.is_some() && refused.iter().all(|v| [record.old, record.new].contains(v));
        if !refused.is_empty() && !excused {
            return Err(story(record, &steps, Some(index), refused, &after));
        }
        world = after;
    }
    ends_on(record, record.old, &world, || {
        story(record, &steps, Some(index), Versions::new(), &world)
    })
}

/// `P ∪ P′ ⊆ A ∩ A′`: the world may be anywhere between, before the step is done and after a crash in it.
fn refused(before: &World, after: &World) -> Versions {
    let presented = &before.presented() | &after.presented();
    let accepted = &before.accepted() & &after.accepted();
    &presented - &accepted
}

/// At its end the plan presents and accepts exactly the version that it should.
fn ends_on(
    record: &PlanRecord,
    version: VersionNumber,
    world: &World,
    wrong: impl FnOnce() -> Box<CounterExample>,
) -> Result<(), Box<CounterExample>> {
    let only: Versions = [version].into();
    // What refused tokens still present is the declared interruption itself.
    let presented = if record.declared.is_some() {
        world.presented().contains(&version)
    } else {
        world.presented() == only
    };
    if presented && world.accepted() == only {
        return Ok(());
    }
    Err(wrong())
}

fn story(
    record: &PlanRecord,
    steps: &[Step],
    unwound_after: Option<usize>,
    refused: Versions,
    world: &World,
) -> Box<CounterExample> {
    let state = State {
        presented: world.presented(),
        accepted: world.accepted(),
    };
    Box::new(CounterExample {
        story: steps.iter().map(super::text::step).collect(),
        unwound_after,
        refused,
        state,
        overlap: record.shape.overlap,
        advice: super::text::advice(record),
    })
}
