//! Passes everything on to the real state file, and remembers the writes so that they can be replayed alone.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId, VersionId};
use keywheel_domain::ports::{
    Append, AuditLog, Due, Journal, JournalError, Lease, MaterialStore, NewRotation, PortError, SealedMaterial,
};
use keywheel_domain::rotation::Entry;
use keywheel_sqlite::Sqlite;

/// One durable write.
#[derive(Debug, Clone)]
enum Write {
    Adopt(Credential),
    Open(NewRotation, DriverId, Timestamp, SignedDuration),
    Claim(RotationId, DriverId, Timestamp, SignedDuration),
    Release(Lease, Option<Timestamp>),
    Append(Append),
    Put(VersionId, SealedMaterial),
    Destroy(VersionId),
    Audit(AuditEvent),
}

#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Arc<Sqlite>,
    writes: Mutex<Vec<Write>>,
}

impl Recorder {
    pub(crate) fn new(inner: Arc<Sqlite>) -> Self {
        Self {
            inner,
            writes: Mutex::default(),
        }
    }

    fn note(&self, write: Write) {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).push(write);
    }

    /// Repeats every write since the last replay on another state file.
    pub(crate) async fn replay(&self, other: &Sqlite) -> Result<(), JournalError> {
        let writes = std::mem::take(&mut *self.writes.lock().unwrap_or_else(PoisonError::into_inner));
        for write in writes {
            match write {
                Write::Adopt(credential) => other.adopt(&credential).await?,
                Write::Open(new, driver, now, ttl) => drop(other.open(&new, &driver, now, ttl).await?),
                Write::Claim(id, driver, now, ttl) => drop(other.claim(&id, &driver, now, ttl).await?),
                Write::Release(lease, wake) => other.release(&lease, wake).await?,
                Write::Append(append) => Journal::append(other, &append).await?,
                Write::Put(id, sealed) => drop(other.put(&id, &sealed).await?),
                Write::Destroy(id) => other.destroy(&id).await?,
                Write::Audit(event) => drop(AuditLog::append(other, &event).await?),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for Recorder {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        self.note(Write::Adopt(credential.clone()));
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
        self.note(Write::Open(new.clone(), driver.clone(), now, ttl));
        self.inner.open(new, driver, now, ttl).await
    }

    async fn claim(
        &self,
        id: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.note(Write::Claim(id.clone(), driver.clone(), now, ttl));
        self.inner.claim(id, driver, now, ttl).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.note(Write::Release(lease.clone(), wake));
        self.inner.release(lease, wake).await
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.note(Write::Append(append.clone()));
        Journal::append(self.inner.as_ref(), append).await
    }

    async fn load(&self, id: &RotationId) -> Result<Vec<Entry>, JournalError> {
        self.inner.load(id).await
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        self.inner.rotations(credential).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        self.inner.due(now, limit).await
    }
}

#[async_trait]
impl MaterialStore for Recorder {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        self.note(Write::Put(id.clone(), sealed.clone()));
        self.inner.put(id, sealed).await
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        self.inner.get(id).await
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        self.note(Write::Destroy(id.clone()));
        self.inner.destroy(id).await
    }
}

#[async_trait]
impl AuditLog for Recorder {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        self.note(Write::Audit(event.clone()));
        AuditLog::append(self.inner.as_ref(), event).await
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        self.inner.read().await
    }
}
