//! The evidence for the auditor.

use std::fmt::Debug;

use async_trait::async_trait;

use super::PortError;
use crate::audit::{AuditEvent, AuditRecord};

/// An append-only chain of audit records: every record holds the hash of the one before it.
#[async_trait]
pub trait AuditLog: Send + Sync + Debug {
    /// Appends the event and returns its record. Idempotent by [`AuditEvent::key`]: an event that is there already is returned
    /// as it is and not appended again. On disk when it returns.
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError>;

    /// Every record, oldest first.
    async fn read(&self) -> Result<Vec<AuditRecord>, PortError>;
}
