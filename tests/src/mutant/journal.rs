//! A driver that journals what it is about to do once it has done it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId};
use keywheel_domain::ports::{Append, Due, Journal, JournalError, Lease, NewRotation};
use keywheel_domain::rotation::{Entry, Event};

/// Holds every intent back until something else is journaled.
#[derive(Debug)]
pub(super) struct Postponing {
    inner: Arc<dyn Journal>,
    postponed: Mutex<Vec<Entry>>,
}

impl Postponing {
    pub(super) fn new(inner: &Arc<dyn Journal>) -> Self {
        let inner = Arc::clone(inner);
        let postponed = Mutex::default();
        Self { inner, postponed }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.postponed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for Postponing {
    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        let mut entries = std::mem::take(&mut *self.lock());
        let after = entries.first().map_or(append.after.0, |entry| entry.sequence.0 - 1);
        entries.extend(append.entries.iter().cloned());
        let intends = |entry: &Entry| matches!(entry.event, Event::Intended { .. });
        let held_back = entries.pop_if(|entry| intends(entry));
        self.lock().extend(held_back);
        let append = Append {
            after: keywheel_domain::id::Sequence(after),
            entries,
            ..append.clone()
        };
        self.inner.append(&append).await
    }

    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        self.inner.adopt(credential).await
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        self.inner.credential(name).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        self.inner.credentials().await
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        self.inner.update(expected, credential).await
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.inner.open(new, driver, now, ttl).await
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.inner.claim(rotation, driver, now, ttl).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.inner.release(lease, wake).await
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        self.inner.load(rotation).await
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        self.inner.rotations(credential).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        self.inner.due(now, limit).await
    }
}
