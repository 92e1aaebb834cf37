//! The key that seals everything.

use std::fmt::Debug;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{Entropy, PortError};

/// Wraps data keys with a key that it keeps to itself: a key file, an environment variable, a key service.
#[async_trait]
pub trait KeyProvider: Send + Sync + Debug {
    /// Which key wraps now. Derived from the key or given by its service; not secret.
    async fn key_id(&self) -> Result<String, PortError>;

    /// Wraps a data key; `context` is authenticated along and must be given to `unwrap` again.
    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError>;

    /// Unwraps what `wrap` made under the key of that id.
    ///
    /// # Errors
    /// `NotFound` where this provider does not hold that key, `Invalid` where the bytes or the context are not authentic.
    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError>;
}
