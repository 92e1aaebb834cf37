//! Rotates what is due: looks into the journal's index, opens rotations, and drives many of them at once.
//!
//! Nothing is remembered that the journal does not hold: what a process had in its hands when it died is due again once its lease
//! has run out, and any number of schedulers may share one journal. It runs on the caller's task and on no particular runtime.

mod hands;
mod news;
mod overdue;
mod queue;
mod rounds;
mod setbacks;
mod shift;
mod soon;

use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;

use crate::error::AppError;
use crate::facade::Keywheel;
use shift::{Mode, Shift};

pub use news::{News, Reporter, Tally};
pub use overdue::Overdue;

/// Rotates what is due. Built by [`Keywheel::scheduler`].
#[derive(Debug, Clone)]
pub struct Scheduler {
    app: Keywheel,
    requested_by: String,
    workers: usize,
    per_bulkhead: usize,
    patience: SignedDuration,
    look_every: SignedDuration,
}

impl Keywheel {
    /// A scheduler of the credentials that are wired here. `requested_by` asks for the rotations that it opens.
    pub fn scheduler(&self, requested_by: &str) -> Scheduler {
        Scheduler {
            app: self.clone(),
            requested_by: requested_by.to_owned(),
            workers: 32,
            per_bulkhead: 8,
            patience: SignedDuration::from_mins(1),
            look_every: SignedDuration::from_secs(1),
        }
    }
}

impl Scheduler {
    /// How many rotations are moved at the same time, 32 by default. One that is held up behind its bulkhead takes none of these
    /// places: it counts there alone.
    #[must_use]
    pub fn workers(mut self, most: usize) -> Self {
        self.workers = most.max(1);
        self
    }

    /// How many rotations are moved at the same time behind one bulkhead ([`Wiring::bulkhead`](crate::Wiring)), 8 by default.
    #[must_use]
    pub fn per_bulkhead(mut self, most: usize) -> Self {
        self.per_bulkhead = most.max(1);
        self
    }

    /// How long [`Scheduler::run_once`] waits for a rotation, all its waits together, one minute by default. What waits longer is
    /// left to the next run. While it waits a rotation takes no place from others.
    #[must_use]
    pub fn patience(mut self, patience: SignedDuration) -> Self {
        self.patience = patience;
        self
    }

    /// How often [`Scheduler::run`] looks what is due, every second by default.
    #[must_use]
    pub fn look_every(mut self, time: SignedDuration) -> Self {
        self.look_every = time.max(SignedDuration::from_millis(20));
        self
    }

    /// Moves everything that is due as far as it goes without a long wait, and ends. Ends early where `stop` does:
    /// a signal, or a deadline on the clock.
    ///
    /// # Errors
    /// Where the journal cannot say what is due. What goes wrong with one credential is reported, and stops no other.
    pub async fn run_once(
        &self,
        reporter: &dyn Reporter,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Tally, AppError> {
        let over = AtomicBool::new(false);
        Shift::new(self, reporter, &over, Mode::Once).run(stop).await
    }

    /// Moves what is due whenever it is, until `stop` ends. A journal that cannot be reached is reported and tried again.
    ///
    /// # Errors
    /// None at present.
    pub async fn run(&self, reporter: &dyn Reporter, stop: impl Future<Output = ()> + Send) -> Result<Tally, AppError> {
        let over = AtomicBool::new(false);
        Shift::new(self, reporter, &over, Mode::On).run(stop).await
    }
}
