//! The way back from every step.

use jiff::SignedDuration;

use super::recipe::deliver;
use super::{Action, Overlap, PlanRecord, Step, Watch};
use crate::id::Revision;
use crate::view::View;

/// One unwinding for each step before the point of no return, for the case that the step was cut off in its middle.
pub(super) fn all(record: &PlanRecord) -> Vec<Vec<Step>> {
    (0..record.point_of_no_return.min(record.steps.len()))
        .map(|index| from(record, index))
        .collect()
}

fn from(record: &PlanRecord, index: usize) -> Vec<Step> {
    let begun = &record.steps[..=index];
    let mut unwinding = Unwinding::new(record, begun);
    for step in begun.iter().rev() {
        unwinding.undo(step);
    }
    unwinding.steps.push(Action::Close);
    unwinding.steps
}

struct Unwinding<'a> {
    record: &'a PlanRecord,
    steps: Vec<Step>,
    shown: View,
    revision: Revision,
}

impl<'a> Unwinding<'a> {
    fn new(record: &'a PlanRecord, begun: &[Step]) -> Self {
        let delivered = |step: &Step| match step {
            Action::Deliver { to, .. } => Some(to.clone()),
            _ => None,
        };
        // Revisions of the way back lie beyond all of the way there, so that no report can be mistaken.
        let highest = record
            .steps
            .iter()
            .filter_map(delivered)
            .map(|view| view.revision)
            .max();
        Self {
            record,
            steps: Vec::new(),
            shown: begun
                .iter()
                .filter_map(delivered)
                .next_back()
                .unwrap_or_else(|| record.view.clone()),
            revision: highest.unwrap_or(record.view.revision),
        }
    }

    fn undo(&mut self, step: &Step) {
        match step {
            Action::Stage { version } | Action::Mint { version } => {
                self.steps.push(Action::Retire { version: *version });
                self.steps.push(Action::ProveDead { version: *version });
            }
            Action::Replace { from, to } => {
                self.steps.push(Action::Replace { from: *to, to: *from });
                self.steps.push(Action::Prove { version: *from });
                self.steps.push(Action::ProveDead { version: *to });
            }
            Action::Suspend { version } => {
                self.steps.push(Action::Reinstate { version: *version });
                self.steps.push(Action::Prove { version: *version });
            }
            Action::Deliver { from, to } => self.deliver_back(from, to),
            _ => {}
        }
    }

    fn deliver_back(&mut self, from: &View, to: &View) {
        self.revision = self.revision.next();
        let back = from.at(self.revision);
        self.steps.extend(deliver(&self.shown, &back));
        self.shown = back;
        let ring = self.record.shape.overlap == Overlap::KeyRing;
        let length = self.record.limits.longest_token;
        if ring && from.primary != to.primary && length > SignedDuration::ZERO {
            // What the new key signed meanwhile has to run out before the new key may go.
            self.steps.push(Action::Watch {
                watch: Watch::Outlast,
                length,
                at_least: length,
            });
        }
        if ring && !from.accepted.contains(&self.record.new) {
            self.steps.push(Action::ProveDead {
                version: self.record.new,
            });
        }
    }
}
