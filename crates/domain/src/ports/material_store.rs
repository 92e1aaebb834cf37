//! Sealed material.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::PortError;
use crate::id::VersionId;

/// A version's material under a data key of its own, which is wrapped by the key provider's key. The credential and the
/// version are authenticated along, so that one version's bytes cannot be passed off as another's.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedMaterial {
    /// Which key of the provider wraps the data key.
    pub key_id: String,
    /// The wrapped data key.
    pub wrapped_key: Vec<u8>,
    /// The nonce of the material's encryption.
    pub nonce: Vec<u8>,
    /// The encrypted material with its authentication tag.
    pub ciphertext: Vec<u8>,
}

impl Debug for SealedMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SealedMaterial(key {}, {} bytes)",
            self.key_id,
            self.ciphertext.len()
        )
    }
}

/// Keeps sealed material, durably.
#[async_trait]
pub trait MaterialStore: Send + Sync + Debug {
    /// Keeps the material of a version that has none, and is on disk when it returns. Where the version has one already, that
    /// one stays and is returned: a version's material is never replaced.
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError>;

    /// The material of the version; `None` where it was never kept or was destroyed.
    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError>;

    /// Forgets the material of the version. Destroying what is not there succeeds.
    async fn destroy(&self, id: &VersionId) -> Result<(), PortError>;
}
