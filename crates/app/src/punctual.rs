//! A journal that always answers: in time, or with a time-out. A rotation must never stop silently because its storage hangs.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId};
use keywheel_domain::ports::{Append, Clock, Due, ErrorKind, Journal, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation::Entry;

/// A journal that takes longer than this for one call is as good as down. One that is merely slow takes milliseconds.
const LIMIT: SignedDuration = SignedDuration::from_secs(30);

/// Bounds every call to the journal inside of it.
#[derive(Debug)]
pub(crate) struct PunctualJournal {
    pub(crate) inner: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PunctualJournal {
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, JournalError>> + Send) -> Result<T, JournalError> {
        let call = std::pin::pin!(call);
        match select(call, self.clock.sleep(LIMIT)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                let message = format!("the journal did not answer within {LIMIT:#}; see whether its storage hangs");
                Err(PortError::transient(ErrorKind::TimedOut, message)
                    .with_unknown_effect()
                    .into())
            }
        }
    }
}

#[async_trait]
impl Journal for PunctualJournal {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        self.bounded(self.inner.adopt(credential)).await
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        self.bounded(self.inner.credential(name)).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        self.bounded(self.inner.credentials()).await
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        self.bounded(self.inner.update(expected, credential)).await
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.bounded(self.inner.open(new, driver, now, ttl)).await
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.bounded(self.inner.claim(rotation, driver, now, ttl)).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.bounded(self.inner.release(lease, wake)).await
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.bounded(self.inner.append(append)).await
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        self.bounded(self.inner.load(rotation)).await
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        self.bounded(self.inner.rotations(credential)).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        self.bounded(self.inner.due(now, limit)).await
    }
}
