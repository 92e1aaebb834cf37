//! What happens next.

use jiff::Timestamp;

use super::{Outcome, Phase, Rotation};
use crate::plan::Action;

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Journal the intent and carry the action out.
    Act {
        /// What to do.
        action: Action,
        /// Which attempt it is, 1 for the first.
        attempt: u32,
    },
    /// Look at the world and judge.
    Look {
        /// What is looked at.
        action: Action,
    },
    /// Nothing before that moment.
    Wait {
        /// When to ask again.
        until: Timestamp,
        /// What it waits for, for people.
        why: String,
    },
    /// Somebody has to say something.
    Ask(Question),
    /// Nothing any more.
    Rest(Outcome),
}

/// What somebody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// May it begin?
    Approve {
        /// Who may say so.
        approvers: Vec<String>,
    },
}

impl Rotation {
    /// What happens next, at `now`.
    pub fn next(&self, now: Timestamp) -> Next {
        let Some(action) = self.action().cloned() else {
            return Next::Rest(self.outcome().unwrap_or(Outcome::Stuck));
        };
        match &self.phase {
            Phase::Resting(outcome) => Next::Rest(*outcome),
            Phase::Stuck { .. } => Next::Rest(Outcome::Stuck),
            Phase::Failed { retry_at, reason, .. } if now < *retry_at => Next::Wait {
                until: *retry_at,
                why: format!("to try again: {reason}"),
            },
            Phase::Failed { attempt, .. } | Phase::Acting { attempt } => Next::Act {
                action,
                attempt: attempt + 1,
            },
            Phase::Ready if action == Action::Approve => Next::Ask(Question::Approve {
                approvers: self.plan().limits().approvers.clone(),
            }),
            Phase::Ready if action.is_watched() => Next::Look { action },
            Phase::Ready => Next::Act { action, attempt: 1 },
        }
    }
}
