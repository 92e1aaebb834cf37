//! The one table of legal moves.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Canary, Entry, Event, Failure, Observed, Opened, Phase, Position, Rotation, Watched};
use crate::evidence::Evidence;
use crate::id::Sequence;
use crate::plan::{Action, Watch};
use crate::version::Attributes;

/// An entry that cannot follow: the journal was damaged, or a driver is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {sequence} of the journal cannot follow: {problem}")]
pub struct IllegalEntry {
    /// Which entry.
    pub sequence: Sequence,
    problem: String,
}

fn illegal(entry: &Entry, problem: impl Into<String>) -> IllegalEntry {
    IllegalEntry {
        sequence: entry.sequence,
        problem: problem.into(),
    }
}

impl Rotation {
    /// The rotation after its first entry.
    ///
    /// # Errors
    /// [`IllegalEntry`] where it is not an opening of sequence 1.
    pub fn open(entry: &Entry) -> Result<Self, IllegalEntry> {
        let Event::Opened(opened) = &entry.event else {
            return Err(illegal(entry, "a journal begins with `opened`"));
        };
        if entry.sequence != Sequence(1) {
            return Err(illegal(entry, "the first entry has sequence 1"));
        }
        Ok(Self::begin(opened, entry))
    }

    fn begin(opened: &Opened, entry: &Entry) -> Self {
        Self {
            opened: Arc::new(opened.clone()),
            opened_at: entry.at,
            sequence: entry.sequence,
            last_at: entry.at,
            position: Position {
                unwinding: false,
                index: 0,
            },
            unwound_from: 0,
            unwound_because: None,
            phase: Phase::Ready,
            step_since: entry.at,
            watched: None,
            cut_short: false,
            existed_before: None,
            attributes: Default::default(),
            approved_by: None,
            switched_at: None,
            moved_at: None,
            canary: Canary::default(),
            failures: Vec::new(),
            proofs: Arc::default(),
        }
    }

    /// The rotation of a whole journal.
    ///
    /// # Errors
    /// [`IllegalEntry`] with the first entry that cannot follow; also for an empty journal.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, IllegalEntry> {
        let mut entries = entries.into_iter();
        let first = entries.next().ok_or(IllegalEntry {
            sequence: Sequence(1),
            problem: "the journal is empty".to_owned(),
        })?;
        entries.try_fold(Self::open(first)?, |rotation, entry| rotation.apply(entry))
    }

    /// The rotation after one more entry.
    ///
    /// # Errors
    /// [`IllegalEntry`] where the entry does not follow. The rotation is lost then; replay it from the journal.
    pub fn apply(mut self, entry: &Entry) -> Result<Self, IllegalEntry> {
        if entry.sequence != self.sequence.next() {
            return Err(illegal(
                entry,
                format!("it should have sequence {}", self.sequence.next()),
            ));
        }
        if entry.at < self.last_at {
            return Err(illegal(entry, "it is older than the entry before it"));
        }
        self.step(entry).map_err(|problem| illegal(entry, problem))?;
        self.sequence = entry.sequence;
        self.last_at = entry.at;
        Ok(self)
    }

    /// (phase, event) → phase. What is not here is illegal.
    fn step(&mut self, entry: &Entry) -> Result<(), String> {
        if matches!(self.phase, Phase::Resting(_)) {
            return Err("the rotation is over".to_owned());
        }
        match &entry.event {
            Event::Opened(_) => Err("it was opened before".to_owned()),
            Event::Intended {
                step,
                attempt,
                existed_before,
            } => self.intended(*step, *attempt, existed_before.as_ref()),
            Event::Done {
                step,
                attributes,
                evidence,
            } => self.done(*step, attributes, evidence, entry),
            Event::Failed {
                step,
                attempt,
                failure,
                retry_at,
            } => self.failed(*step, *attempt, failure, *retry_at),
            Event::Observed { step, verdict, .. } => self.observed(*step, verdict, entry),
            Event::Approved { by } => self.approved(by, entry),
            Event::CutShort { .. } => self.shorten(),
            Event::Unwinding { reason, .. } => self.unwind(reason, entry),
            Event::Stuck { reason } => self.stick(reason),
            Event::Resumed { .. } => self.resume(entry),
            Event::Measured {
                samples,
                refused,
                downtime,
            } => {
                self.canary.samples += samples;
                self.canary.refused += refused;
                self.canary.downtime = self.canary.downtime.saturating_add(*downtime);
                Ok(())
            }
        }
    }

    fn done(
        &mut self,
        step: Position,
        attributes: &Attributes,
        evidence: &[Evidence],
        entry: &Entry,
    ) -> Result<(), String> {
        self.here(step)?;
        self.may_be_done()?;
        let mut proofs = evidence.iter().filter(|fact| fact.is_proof()).peekable();
        if proofs.peek().is_some() {
            Arc::make_mut(&mut self.proofs).extend(proofs.cloned());
        }
        self.attributes.extend(attributes.clone());
        self.advance(entry);
        Ok(())
    }

    fn failed(&mut self, step: Position, attempt: u32, failure: &Failure, retry_at: Timestamp) -> Result<(), String> {
        self.here(step)?;
        if self.phase != (Phase::Acting { attempt }) {
            return Err("no such attempt was under way".to_owned());
        }
        let reason = failure.message.clone();
        self.failures.push(reason.clone());
        self.phase = Phase::Failed {
            attempt,
            retry_at,
            reason,
        };
        Ok(())
    }

    fn approved(&mut self, by: &str, entry: &Entry) -> Result<(), String> {
        self.expect(|action| *action == Action::Approve, "nothing waits for an approval")?;
        self.approved_by = Some(by.to_owned());
        self.advance(entry);
        Ok(())
    }

    fn shorten(&mut self) -> Result<(), String> {
        let grace = |action: &Action| {
            matches!(
                action,
                Action::Watch {
                    watch: Watch::Grace,
                    ..
                }
            )
        };
        self.expect(grace, "no grace is running")?;
        self.cut_short = true;
        Ok(())
    }

    fn here(&self, step: Position) -> Result<(), String> {
        if step == self.position {
            return Ok(());
        }
        Err(format!("the rotation stands at {:?}, not at {step:?}", self.position))
    }

    fn expect(&self, wanted: impl Fn(&Action) -> bool, otherwise: &str) -> Result<(), String> {
        let ready = self.phase == Phase::Ready && self.action().is_some_and(wanted);
        ready.then_some(()).ok_or_else(|| otherwise.to_owned())
    }

    fn intended(&mut self, step: Position, attempt: u32, existed: Option<&Vec<String>>) -> Result<(), String> {
        self.here(step)?;
        if self.action().is_none_or(Action::is_watched) {
            return Err("this step is watched, it never acts".to_owned());
        }
        let last = match &self.phase {
            Phase::Ready => 0,
            Phase::Acting { attempt } | Phase::Failed { attempt, .. } => *attempt,
            Phase::Stuck { .. } | Phase::Resting(_) => return Err("the rotation rests".to_owned()),
        };
        if attempt != last + 1 {
            return Err(format!("the next attempt is {}", last + 1));
        }
        if self.existed_before.is_none() {
            self.existed_before = existed.cloned();
        }
        self.phase = Phase::Acting { attempt };
        Ok(())
    }

    fn may_be_done(&self) -> Result<(), String> {
        let action = self.action().ok_or("there is no such step")?;
        match &self.phase {
            Phase::Acting { .. } if !action.is_watched() => Ok(()),
            Phase::Ready if action.is_watched() && *action != Action::Approve => Ok(()),
            Phase::Ready | Phase::Acting { .. } | Phase::Failed { .. } | Phase::Stuck { .. } | Phase::Resting(_) => {
                Err("the step was not under way".to_owned())
            }
        }
    }

    fn observed(&mut self, step: Position, verdict: &Observed, entry: &Entry) -> Result<(), String> {
        self.here(step)?;
        self.expect(Action::is_watched, "the step is not watched")?;
        let changed = self
            .watched
            .as_ref()
            .is_none_or(|watched| !watched.verdict.same_kind(verdict));
        let since = self.watched.as_ref().map_or(entry.at, |watched| watched.since);
        if let Observed::Unhealthy(why) = verdict {
            self.failures.push(why.clone());
        }
        self.watched = Some(Watched {
            verdict: verdict.clone(),
            since: if changed { entry.at } else { since },
        });
        Ok(())
    }

    fn advance(&mut self, entry: &Entry) {
        let new = self.plan().new_version();
        let shows_new = |action: &Action| matches!(action, Action::Deliver { to, .. } if to.primary == new);
        if self.switched_at.is_none() && self.action().is_some_and(shows_new) {
            self.switched_at = Some(entry.at);
        }
        let moves = |action: &Action| matches!(action, Action::Converge { view } if view.primary == new);
        if self.moved_at.is_none() && self.action().is_some_and(moves) {
            self.moved_at = Some(entry.at);
        }
        let over = self.action() == Some(&Action::Close);
        self.phase = if over {
            Phase::Resting(self.closing())
        } else {
            Phase::Ready
        };
        self.move_to(
            Position {
                index: self.position.index + 1,
                ..self.position
            },
            entry,
        );
    }

    fn move_to(&mut self, position: Position, entry: &Entry) {
        self.position = position;
        self.step_since = entry.at;
        self.watched = None;
        self.cut_short = false;
    }

    fn unwind(&mut self, reason: &str, entry: &Entry) -> Result<(), String> {
        if !self.can_unwind() {
            return Err("there is no way back from here".to_owned());
        }
        self.explain(reason, &format!("rolled back: {reason}"));
        self.unwound_from = self.position.index;
        self.unwound_because = Some(reason.to_owned());
        self.phase = Phase::Ready;
        self.move_to(
            Position {
                unwinding: true,
                index: 0,
            },
            entry,
        );
        Ok(())
    }

    fn stick(&mut self, reason: &str) -> Result<(), String> {
        if matches!(self.phase, Phase::Stuck { .. }) {
            return Err("it is stuck already".to_owned());
        }
        self.explain(reason, reason);
        self.phase = Phase::Stuck {
            reason: reason.to_owned(),
        };
        Ok(())
    }

    /// Notes what became of a failure. The reason repeats what the failure said, and so takes its place.
    fn explain(&mut self, reason: &str, told: &str) {
        let repeats = |failure: &String| reason == failure || reason.ends_with(&format!(": {failure}"));
        if self.failures.last().is_some_and(repeats) {
            self.failures.pop();
        }
        self.failures.push(told.to_owned());
    }

    /// What it waited for in vain has its whole time again. Consumers that did not converge are told once more, by the roll-out
    /// before it: what kept them may have kept the first telling from them, too.
    fn resume(&mut self, entry: &Entry) -> Result<(), String> {
        if !matches!(self.phase, Phase::Stuck { .. }) {
            return Err("it is not stuck".to_owned());
        }
        self.phase = Phase::Ready;
        self.watched = None;
        match self.action() {
            Some(Action::Converge { .. }) => self.move_to(self.telling_of(self.position), entry),
            Some(Action::Drain { .. }) => self.step_since = entry.at,
            _ => {}
        }
        Ok(())
    }

    /// Where the roll-out of a convergence stands; the convergence itself where none stands right before it.
    fn telling_of(&self, convergence: Position) -> Position {
        let before = convergence.index.checked_sub(1);
        let told = before.filter(|index| matches!(self.script().get(*index), Some(Action::RollOut { .. })));
        Position {
            index: told.unwrap_or(convergence.index),
            ..convergence
        }
    }
}
