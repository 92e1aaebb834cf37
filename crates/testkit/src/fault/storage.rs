//! The journal, the material store and the audit log behind the gate.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId, VersionId};
use keywheel_domain::ports::{
    Append, AuditLog, Due, Journal, JournalError, Lease, MaterialStore, NewRotation, PortError, SealedMaterial,
};
use keywheel_domain::rotation::Entry;

use super::{Class, Faulty};

#[async_trait]
impl Journal for Faulty<dyn Journal> {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        let call = self.inner.adopt(credential);
        self.gate.pass(("journal", "adopt", Class::Changes), None, call).await
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        let call = self.inner.credential(name);
        self.gate
            .pass(("journal", "credential", Class::Looks), None, call)
            .await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        let call = self.inner.credentials();
        self.gate
            .pass(("journal", "credentials", Class::Looks), None, call)
            .await
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        let call = self.inner.update(expected, credential);
        self.gate.pass(("journal", "update", Class::Changes), None, call).await
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        let call = self.inner.open(new, driver, now, ttl);
        self.gate.pass(("journal", "open", Class::Changes), None, call).await
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        let call = self.inner.claim(rotation, driver, now, ttl);
        self.gate.pass(("journal", "claim", Class::Changes), None, call).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        let call = self.inner.release(lease, wake);
        self.gate.pass(("journal", "release", Class::Changes), None, call).await
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        let call = self.inner.append(append);
        self.gate.pass(("journal", "append", Class::Changes), None, call).await
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        self.gate
            .pass(("journal", "load", Class::Looks), None, self.inner.load(rotation))
            .await
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        let call = self.inner.rotations(credential);
        self.gate.pass(("journal", "rotations", Class::Looks), None, call).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        self.gate
            .pass(("journal", "due", Class::Looks), None, self.inner.due(now, limit))
            .await
    }
}

#[async_trait]
impl MaterialStore for Faulty<dyn MaterialStore> {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        let call = self.inner.put(id, sealed);
        self.gate.pass(("materials", "put", Class::Changes), None, call).await
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        self.gate
            .pass(("materials", "get", Class::Looks), None, self.inner.get(id))
            .await
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        self.gate
            .pass(("materials", "destroy", Class::Changes), None, self.inner.destroy(id))
            .await
    }
}

#[async_trait]
impl AuditLog for Faulty<dyn AuditLog> {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        self.gate
            .pass(("audit", "append", Class::Changes), None, self.inner.append(event))
            .await
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        self.gate
            .pass(("audit", "read", Class::Looks), None, self.inner.read())
            .await
    }
}
