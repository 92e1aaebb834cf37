//! Sealed copies under retention.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Finding, PortError, SealedMaterial, VersionMaterial};
use crate::evidence::Evidence;
use crate::id::VersionId;

/// Where retired versions are put away.
#[async_trait]
pub trait Archive: Send + Sync + Debug {
    /// Looks at whether archiving would work. Changes nothing.
    async fn preflight(&self) -> Result<Vec<Finding>, PortError>;

    /// Keeps the sealed copy, and once it is safe on disk destroys the originals that it is configured to destroy, where they
    /// hold that version. Idempotent: a version that is archived already stays as it is, and originals that are gone are no
    /// error.
    ///
    /// # Errors
    /// `Conflict` where there is another copy of that version already. Nothing is destroyed then.
    async fn archive(&self, version: &VersionMaterial, sealed: &SealedMaterial) -> Result<Evidence, PortError>;

    /// The sealed copy of that version, where it is archived.
    async fn fetch(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError>;
}
