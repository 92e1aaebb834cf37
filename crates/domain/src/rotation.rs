//! One durable run, from its trigger to one of three rests.
//!
//! The rotation is the fold of its journal: [`Rotation::open`] reads the first entry, [`Rotation::apply`] every other one, and
//! that is also how it is replayed and recovered. [`Rotation::next`] says what happens next; [`Rotation::judge`] what a look at
//! the world means; [`Rotation::remedy`] what a failure means. None of them knows a clock or a port.

mod apply;
mod entry;
mod evaluate;
mod judge;
mod next;
mod record;
mod remedy;

pub use apply::IllegalEntry;
pub use entry::{Entry, Event, Failure, Observed, Opened, Position};
pub use evaluate::drained;
pub use judge::Judgement;
pub use next::{Next, Question};
pub use record::{RecordError, decode, encode};
pub use remedy::Remedy;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::id::{CredentialName, RotationId, Sequence, VersionNumber};
use crate::plan::{Action, Plan, Step};
use crate::trigger::Trigger;
use crate::version::Attributes;

/// Where a rotation came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The new version is in use and the old one dead.
    Completed,
    /// The old version is in use and the new one dead.
    RolledBack,
    /// Everything that works keeps working; somebody has to say `resume` or `rollback`.
    Stuck,
}

/// How far the step under the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It may begin, or be looked at.
    Ready,
    /// Its intent is journaled and its outcome is not: it is under way, or its driver died.
    Acting {
        /// Which attempt.
        attempt: u32,
    },
    /// The last attempt failed.
    Failed {
        /// Which attempt.
        attempt: u32,
        /// When to try again.
        retry_at: Timestamp,
        /// What went wrong.
        reason: String,
    },
    /// Nothing moves until somebody says so.
    Stuck {
        /// Why.
        reason: String,
    },
    /// It is over.
    Resting(Outcome),
}

/// The last verdict about a watched step, and since when it has been that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The verdict.
    pub verdict: Observed,
    /// Since when.
    pub since: Timestamp,
}

/// What the canary measured so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Canary {
    /// How often it authenticated.
    pub samples: u64,
    /// How often it was refused.
    pub refused: u64,
    /// For how long it was refused, as far as its interval can tell.
    pub downtime: SignedDuration,
}

/// One rotation, as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// What never changes is shared between the states of a rotation, and so is what only grows now and then.
    opened: Arc<Opened>,
    opened_at: Timestamp,
    sequence: Sequence,
    last_at: Timestamp,
    position: Position,
    /// The step of the plan that was under way, or the last one done, when it began to go back.
    unwound_from: usize,
    unwound_because: Option<String>,
    phase: Phase,
    step_since: Timestamp,
    watched: Option<Watched>,
    cut_short: bool,
    existed_before: Option<Vec<String>>,
    attributes: Attributes,
    approved_by: Option<String>,
    switched_at: Option<Timestamp>,
    /// When everybody had moved to the new version.
    moved_at: Option<Timestamp>,
    canary: Canary,
    failures: Vec<String>,
    proofs: Arc<Vec<Evidence>>,
}

impl Rotation {
    /// Its identity.
    pub fn id(&self) -> &RotationId {
        &self.opened.rotation
    }

    /// The credential that it rotates.
    pub fn credential(&self) -> &CredentialName {
        &self.opened.credential
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.opened.plan
    }

    /// Why it runs.
    pub fn trigger(&self) -> &Trigger {
        &self.opened.trigger
    }

    /// Who asked for it.
    pub fn requested_by(&self) -> &str {
        &self.opened.requested_by
    }

    /// Who approved it.
    pub fn approved_by(&self) -> Option<&str> {
        self.approved_by.as_deref()
    }

    /// When it began.
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// The sequence of its last entry.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The time of its last entry. No entry is ever older than the one before it.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Where its cursor stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// How far the step under the cursor is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// When the step under the cursor became the next one.
    pub fn step_since(&self) -> Timestamp {
        self.step_since
    }

    /// The last verdict about the watched step under the cursor.
    pub fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref()
    }

    /// Why it goes back, where it does.
    pub fn unwound_because(&self) -> Option<&str> {
        self.unwound_because.as_deref()
    }

    /// What is public about the new version, once it was made.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// When every store showed the new version as the one to present; `None` before that.
    pub fn switched_at(&self) -> Option<Timestamp> {
        self.switched_at
    }

    /// What existed at the authority before the first attempt to mint.
    pub fn existed_before(&self) -> Option<&[String]> {
        self.existed_before.as_deref()
    }

    /// What the canary measured so far.
    pub fn canary(&self) -> Canary {
        self.canary
    }

    /// Why it is stuck, where it is.
    pub fn stuck_because(&self) -> Option<&str> {
        match &self.phase {
            Phase::Stuck { reason } => Some(reason),
            Phase::Ready | Phase::Acting { .. } | Phase::Failed { .. } | Phase::Resting(_) => None,
        }
    }

    /// Everything that went wrong on the way, in order. A failure that ended in a way back or in a stop is told once, with what
    /// became of it.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The facts that an auditor asks for: what was accepted, refused, drained and put away.
    pub fn proofs(&self) -> &[Evidence] {
        &self.proofs
    }

    /// The steps that are being walked: the plan's, or the unwinding's.
    pub fn script(&self) -> &[Step] {
        if self.position.unwinding {
            self.opened.plan.unwinding(self.unwound_from)
        } else {
            self.opened.plan.steps()
        }
    }

    /// The step under the cursor; `None` once it is over.
    pub fn action(&self) -> Option<&Action> {
        self.script().get(self.position.index)
    }

    /// The outcome to which its last step leads.
    pub fn closing(&self) -> Outcome {
        if self.position.unwinding {
            Outcome::RolledBack
        } else {
            Outcome::Completed
        }
    }

    /// The outcome, once it rests.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            Phase::Resting(outcome) => Some(*outcome),
            Phase::Stuck { .. } => Some(Outcome::Stuck),
            Phase::Ready | Phase::Acting { .. } | Phase::Failed { .. } => None,
        }
    }

    /// Whether it can still go back.
    pub fn can_unwind(&self) -> bool {
        !self.position.unwinding
            && self.position.index < self.opened.plan.point_of_no_return()
            && !matches!(self.phase, Phase::Resting(_))
    }

    /// Whether a canary has something to watch: from the first effect to the last.
    pub fn is_exposed(&self) -> bool {
        let begun = self.position.unwinding
            || self.opened.plan.steps()[..self.position.index]
                .iter()
                .any(Action::has_effect);
        begun && !matches!(self.phase, Phase::Resting(_))
    }

    /// Whether something that the version signed, and that has to be accepted, may be alive: what the new version signs is from
    /// the moment on at which some consumer may have been shown it as the one to sign with, and what the old one signed is until
    /// it begins to be removed.
    pub fn may_have_live_tokens(&self, version: VersionNumber) -> bool {
        let plan = self.plan();
        let begun = if self.position.unwinding {
            self.unwound_from
        } else {
            self.position.index
        };
        let mut shown = plan.steps().iter().take(begun + 1).filter_map(|step| match step {
            Action::Deliver { to, .. } => Some(to),
            _ => None,
        });
        if version == plan.new_version() {
            shown.any(|view| view.primary == version)
        } else {
            shown.all(|view| view.accepted.contains(&version))
        }
    }

    /// The version that consumers are to present once it is over.
    pub fn destination(&self) -> VersionNumber {
        if self.position.unwinding {
            self.opened.plan.old()
        } else {
            self.opened.plan.new_version()
        }
    }
}

#[cfg(test)]
mod judged_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod refused_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;
