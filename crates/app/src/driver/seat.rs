//! Who of this process drives which rotation. The journal keeps processes apart; it takes two drivers of one process for the same.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keywheel_domain::id::RotationId;

/// The rotations that this process drives just now.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<BTreeSet<RotationId>>);

/// One of them. It is free again once this is dropped.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    seats: &'a Seats,
    rotation: RotationId,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<RotationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where somebody sits there already.
    pub(crate) fn take(&self, rotation: &RotationId) -> Option<Seat<'_>> {
        let free = self.lock().insert(rotation.clone());
        free.then(|| Seat {
            seats: self,
            rotation: rotation.clone(),
        })
    }

    pub(crate) fn is_taken(&self, rotation: &RotationId) -> bool {
        self.lock().contains(rotation)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.seats.lock().remove(&self.rotation);
    }
}
