//! Ports that note in the world's history what they did.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId, Sequence, VersionId};
use keywheel_domain::ports::{
    Append, AuditLog, Due, Journal, JournalError, Lease, MaterialStore, NewRotation, PortError, SealedMaterial,
};
use keywheel_domain::rotation::Entry;

use crate::world::{Deed, World, fnv1a};

/// A journal that notes how far it goes.
#[derive(Debug)]
pub struct RecordedJournal {
    world: World,
    inner: Arc<dyn Journal>,
}

impl RecordedJournal {
    /// That journal, noted in that world.
    pub fn new(world: &World, inner: Arc<dyn Journal>) -> Self {
        let world = world.clone();
        Self { world, inner }
    }

    fn stirred<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        self.world.stir();
        result
    }
}

#[async_trait]
impl Journal for RecordedJournal {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        self.stirred(self.inner.adopt(credential).await)
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        self.inner.credential(name).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        self.inner.credentials().await
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        self.stirred(self.inner.update(expected, credential).await)
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        let lease = self.inner.open(new, driver, now, ttl).await?;
        self.world.journaled(&new.rotation, Sequence(1));
        Ok(lease)
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.stirred(self.inner.claim(rotation, driver, now, ttl).await)
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.stirred(self.inner.release(lease, wake).await)
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.inner.append(append).await?;
        let last = append.entries.last().map_or(append.after, |entry| entry.sequence);
        self.world.journaled(&append.lease.rotation, last);
        Ok(())
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

/// A material store that notes what it keeps and what it destroys.
#[derive(Debug)]
pub struct RecordedMaterials {
    world: World,
    inner: Arc<dyn MaterialStore>,
}

impl RecordedMaterials {
    /// That store, noted in that world.
    pub fn new(world: &World, inner: Arc<dyn MaterialStore>) -> Self {
        let world = world.clone();
        Self { world, inner }
    }
}

#[async_trait]
impl MaterialStore for RecordedMaterials {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        let kept = self.inner.put(id, sealed).await?;
        self.world.act(Deed::Kept(id.number), |state| {
            let which = fnv1a(&kept.ciphertext);
            if *state.kept.entry(id.number).or_insert(which) != which {
                state.breach(format!("the material of version {} was made a second time", id.number));
            }
            Ok(kept)
        })
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        self.inner.get(id).await
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        self.inner.destroy(id).await?;
        self.world.act(Deed::Forgotten(id.number), |state| {
            if state.accepts_version(id.number) && !state.archived.contains(&id.number) {
                let number = id.number;
                state.breach(format!(
                    "the only material of version {number} was destroyed while something accepts it"
                ));
            }
            Ok(())
        })
    }
}

/// An audit log that says when it changed.
#[derive(Debug)]
pub struct RecordedAudit {
    world: World,
    inner: Arc<dyn AuditLog>,
}

impl RecordedAudit {
    /// That log, noted in that world.
    pub fn new(world: &World, inner: Arc<dyn AuditLog>) -> Self {
        let world = world.clone();
        Self { world, inner }
    }
}

#[async_trait]
impl AuditLog for RecordedAudit {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        let record = self.inner.append(event).await?;
        self.world.stir();
        Ok(record)
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        self.inner.read().await
    }
}
