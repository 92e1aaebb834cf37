//! What a caller sees while a rotation runs.

use std::fmt::Debug;

use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::DriverId;
use keywheel_domain::plan::Action;
use keywheel_domain::ports::Verdict;
use keywheel_domain::rotation::{Outcome, Rotation};

/// One thing that happened, as it happens.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins, or is tried again.
    Began {
        /// The step.
        action: &'a Action,
        /// Which attempt.
        attempt: u32,
    },
    /// A step is done.
    Done {
        /// The step.
        action: &'a Action,
        /// What was seen.
        evidence: &'a [Evidence],
    },
    /// An attempt failed.
    Failed {
        /// The step.
        action: &'a Action,
        /// What went wrong, redacted.
        message: &'a str,
        /// When it is tried again; `None` where the rotation stops here or goes back.
        retry_at: Option<Timestamp>,
    },
    /// A verdict changed.
    Observed {
        /// The watched step.
        action: &'a Action,
        /// What it is now.
        verdict: &'a Verdict,
    },
    /// Nothing until then.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// For what.
        why: &'a str,
    },
    /// Another driver is at it, and is waited for.
    Elsewhere {
        /// Who.
        holder: &'a DriverId,
        /// Until when, unless it still runs then.
        until: Timestamp,
    },
    /// It goes back.
    Unwinding {
        /// Why.
        reason: &'a str,
    },
    /// It came to rest.
    Rested {
        /// Where.
        outcome: Outcome,
    },
}

/// Who watches. Called from within the driver: it must return soon and cannot fail.
pub trait Observer: Send + Sync + Debug {
    /// Something happened to the rotation.
    fn notice(&self, rotation: &Rotation, progress: &Progress<'_>);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _rotation: &Rotation, _progress: &Progress<'_>) {}
}
