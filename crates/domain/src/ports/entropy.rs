//! Random bytes.

use std::fmt::Debug;

use super::PortError;

/// The only source of randomness.
pub trait Entropy: Send + Sync + Debug {
    /// Fills the buffer with bytes fit for keys.
    ///
    /// # Errors
    /// `Internal` where the system gives none; nothing may be made from the buffer then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError>;
}
