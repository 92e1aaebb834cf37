//! Secrets of Keywheel's own.

use std::fmt::Debug;

use async_trait::async_trait;

use super::PortError;
use crate::material::Secret;

/// Where Keywheel reads a secret that it needs itself, such as the password of the role that rotates others: a file, an
/// environment variable.
#[async_trait]
pub trait SecretSource: Send + Sync + Debug {
    /// The secret as it is now. Asked each time that it is needed, and not kept: it may be rotated meanwhile.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Forbidden` where it may not be read or others may read it, `Invalid` where it is empty.
    /// The message names the place and the fix, and never holds a part of it.
    async fn read(&self) -> Result<Secret, PortError>;
}
