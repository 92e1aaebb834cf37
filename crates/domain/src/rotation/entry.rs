//! What is journaled. Never material, only references to it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::id::{CredentialName, RotationId, Sequence};
use crate::plan::Plan;
use crate::ports::{Effect, ErrorKind, PortError, Retry, Verdict};
use crate::trigger::Trigger;
use crate::version::Attributes;

/// One line of a rotation's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its position: 1 for the first.
    pub sequence: Sequence,
    /// When. Never before the entry in front of it.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Which step: of the plan, or of the unwinding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Whether it is a step of the unwinding.
    pub unwinding: bool,
    /// Its index there.
    pub index: usize,
}

/// How a rotation begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Its identity.
    pub rotation: RotationId,
    /// The credential.
    pub credential: CredentialName,
    /// Why.
    pub trigger: Trigger,
    /// Who asked for it.
    pub requested_by: String,
    /// What will be done.
    pub plan: Plan,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// It began.
    Opened(Box<Opened>),
    /// A step is about to act. After a crash this is all that is known of it.
    Intended {
        /// Which step.
        step: Position,
        /// Which attempt, 1 for the first.
        attempt: u32,
        /// What existed at the authority before, where the step mints.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        existed_before: Option<Vec<String>>,
    },
    /// A step is done.
    Done {
        /// Which step.
        step: Position,
        /// What was seen.
        evidence: Vec<Evidence>,
        /// What is public about the version, where the step made one.
        #[serde(default, skip_serializing_if = "Attributes::is_empty")]
        attributes: Attributes,
    },
    /// An attempt failed and will be repeated.
    Failed {
        /// Which step.
        step: Position,
        /// Which attempt.
        attempt: u32,
        /// What went wrong.
        failure: Failure,
        /// When to try again.
        retry_at: Timestamp,
    },
    /// The verdict about a watched step changed.
    Observed {
        /// Which step.
        step: Position,
        /// What it is now.
        verdict: Observed,
        /// What it rests on.
        evidence: Vec<Evidence>,
    },
    /// Somebody who may approve did.
    Approved {
        /// Who.
        by: String,
    },
    /// Somebody ended the grace early, as far as it may be.
    CutShort {
        /// Who.
        by: String,
    },
    /// It goes back.
    Unwinding {
        /// Why.
        reason: String,
        /// Who asked for it; `None` where it decided so by itself.
        by: Option<String>,
    },
    /// It cannot go on by itself.
    Stuck {
        /// Why, and what is known.
        reason: String,
    },
    /// Somebody had it go on.
    Resumed {
        /// Who.
        by: String,
    },
    /// What the canary measured since the last such entry.
    Measured {
        /// How often it authenticated.
        samples: u64,
        /// How often it was refused.
        refused: u64,
        /// For how long.
        downtime: SignedDuration,
    },
}

/// A port's error as it is journaled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// Whether the change happened.
    pub effect: Effect,
    /// In words, with causes; redacted.
    pub message: String,
}

impl From<&PortError> for Failure {
    fn from(error: &PortError) -> Self {
        Self {
            kind: error.kind,
            retry: error.retry,
            effect: error.effect,
            message: error.chain(),
        }
    }
}

/// A verdict as it is journaled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Observed {
    /// As it should be.
    Healthy,
    /// Not as it should be.
    Unhealthy(String),
    /// Nobody can tell.
    Unknown(String),
}

impl From<&Verdict> for Observed {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Healthy,
            Verdict::Unhealthy(why) => Self::Unhealthy(why.clone()),
            Verdict::Unknown(why) => Self::Unknown(why.clone()),
        }
    }
}

impl Observed {
    /// Whether both say the same, whatever their words.
    pub fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
