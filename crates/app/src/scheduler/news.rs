//! What a scheduler tells.

use std::fmt::Debug;

use jiff::Timestamp;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::Due;
use keywheel_domain::rotation::Outcome;

use super::Overdue;
use crate::driver::Driven;
use crate::error::AppError;
use crate::progress::Silent;

/// One thing that happened, as it happens. The steps of a rotation are told to the [`Observer`](crate::Observer).
#[derive(Debug)]
pub enum News<'a> {
    /// A rotation of a credential that was due has begun.
    Opened {
        /// The credential.
        credential: &'a CredentialName,
        /// Its rotation.
        rotation: &'a RotationId,
    },
    /// A rotation was moved as far as it goes for now.
    Moved {
        /// Its credential.
        credential: &'a CredentialName,
        /// The rotation.
        rotation: &'a RotationId,
        /// How far.
        driven: &'a Driven,
    },
    /// Something that is due could not be begun or gone on with. No other is held up by it.
    Failed {
        /// What is due.
        due: &'a Due,
        /// Its credential, as far as it is known.
        credential: Option<&'a CredentialName>,
        /// What went wrong.
        error: &'a AppError,
        /// When it is tried again; `None` where the next run does.
        again_at: Option<Timestamp>,
    },
    /// The journal could not say what is due.
    Blind {
        /// What went wrong.
        error: &'a AppError,
        /// When it is asked again.
        again_at: Timestamp,
    },
    /// There are other credentials than before whose date has passed and that nothing moves.
    Overdue(&'a Overdue),
}

/// Who hears what a scheduler does. Called from within: it must return soon and cannot fail.
pub trait Reporter: Send + Sync + Debug {
    /// Something happened.
    fn hear(&self, news: &News<'_>);
}

impl Reporter for Silent {
    fn hear(&self, _news: &News<'_>) {}
}

/// What a scheduler did, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rotations that it opened.
    pub opened: usize,
    /// Rotations that it brought to their end.
    pub completed: usize,
    /// Rotations that went back.
    pub rolled_back: usize,
    /// Rotations that came to be stuck.
    pub stuck: usize,
    /// How often a rotation asked somebody something.
    pub asks: usize,
    /// How often a rotation was left to wait for its time.
    pub waits: usize,
    /// How often somebody else had it.
    pub elsewhere: usize,
    /// How often something could not be begun or gone on with.
    pub failed: usize,
    /// Due credentials and rotations of credentials that are not wired here.
    pub unmanaged: usize,
    /// What is overdue in the end and moved by nothing; not counted where the run was stopped.
    pub overdue: Overdue,
    /// Whether it was stopped before it had done everything.
    pub stopped: bool,
}

impl Tally {
    pub(super) fn count(&mut self, driven: &Driven) {
        let counter = match driven {
            Driven::Rested(Outcome::Completed) => &mut self.completed,
            Driven::Rested(Outcome::RolledBack) => &mut self.rolled_back,
            Driven::Rested(Outcome::Stuck) => &mut self.stuck,
            Driven::Asks(_) => &mut self.asks,
            Driven::Waits { .. } => &mut self.waits,
            Driven::Elsewhere { .. } => &mut self.elsewhere,
        };
        *counter += 1;
    }
}
