//! Where the time of rotations goes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use keywheel_app::{Observer, Progress};
use keywheel_domain::id::RotationId;
use keywheel_domain::plan::Action;
use keywheel_domain::ports::Clock;
use keywheel_domain::rotation::Rotation;
use keywheel_local::SystemClock;

/// Adds up how long each kind of step took, from the end of the step before it: its journal entries are part of it.
#[derive(Debug, Default)]
pub struct Stopwatch(Mutex<Laps>);

#[derive(Debug, Default)]
struct Laps {
    since: HashMap<RotationId, SignedDuration>,
    spent: BTreeMap<&'static str, SignedDuration>,
}

impl Stopwatch {
    fn lock(&self) -> MutexGuard<'_, Laps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each kind of step took of all rotations together, in milliseconds.
    pub fn millis(&self) -> BTreeMap<&'static str, f64> {
        let spent = &self.lock().spent;
        spent
            .iter()
            .map(|(step, time)| (*step, time.as_secs_f64() * 1e3))
            .collect()
    }
}

impl Observer for Stopwatch {
    fn notice(&self, rotation: &Rotation, progress: &Progress<'_>) {
        let now = SystemClock.monotonic();
        let mut laps = self.lock();
        match progress {
            Progress::Done { action, .. } => {
                let since = laps.since.insert(rotation.id().clone(), now).unwrap_or(now);
                *laps.spent.entry(name(action)).or_default() += now - since;
            }
            Progress::Rested { .. } => drop(laps.since.remove(rotation.id())),
            _ => drop(laps.since.entry(rotation.id().clone()).or_insert(now)),
        }
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Preflight => "preflight",
        Action::Approve => "approve",
        Action::Announce { .. } => "announce",
        Action::Generate { .. } | Action::Mint { .. } => "generate and seal",
        Action::Stage { .. } => "stage",
        Action::Replace { .. } => "replace",
        Action::Prove { .. } => "prove",
        Action::Deliver { .. } => "deliver",
        Action::RollOut { .. } => "roll out",
        Action::Converge { .. } => "converge",
        Action::Watch { .. } => "watch",
        Action::Drain { .. } => "drain",
        Action::Suspend { .. } => "suspend",
        Action::Reinstate { .. } => "reinstate",
        Action::Retire { .. } => "retire",
        Action::ProveDead { .. } => "prove dead",
        Action::Archive { .. } => "archive",
        Action::Close => "close",
    }
}
