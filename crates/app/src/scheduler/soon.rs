//! The rotations that a run which ends waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use keywheel_domain::id::RotationId;

#[derive(Debug)]
pub(super) struct Soon {
    patience: SignedDuration,
    /// Since when each has been waited for.
    since: BTreeMap<RotationId, SignedDuration>,
    times: BTreeSet<(SignedDuration, RotationId)>,
}

impl Soon {
    pub(super) fn new(patience: SignedDuration) -> Self {
        Self {
            patience,
            since: BTreeMap::new(),
            times: BTreeSet::new(),
        }
    }

    /// Waits for the rotation, unless that would take longer than one is patient. It is looked at again before its wait is over.
    pub(super) fn wait_for(
        &mut self,
        rotation: &RotationId,
        now: SignedDuration,
        until: SignedDuration,
        look_again: SignedDuration,
    ) -> bool {
        let since = *self.since.entry(rotation.clone()).or_insert(now);
        let waits = until <= since.saturating_add(self.patience);
        if waits {
            self.times.insert((look_again, rotation.clone()));
        }
        waits
    }

    /// One whose time has come.
    pub(super) fn next(&mut self, now: SignedDuration) -> Option<RotationId> {
        self.times.first().filter(|(at, _)| *at <= now)?;
        self.times.pop_first().map(|(_, rotation)| rotation)
    }

    /// When the time of the next one comes.
    pub(super) fn next_at(&self) -> Option<SignedDuration> {
        self.times.first().map(|(at, _)| *at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}
