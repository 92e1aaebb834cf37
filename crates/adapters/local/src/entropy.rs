//! The system's random bytes.

use keywheel_domain::ports::{Entropy, ErrorKind, PortError};

/// Random bytes of the operating system, through the generator of aws-lc-rs.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that the rest of the program takes its randomness from"
    )]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        aws_lc_rs::rand::fill(buffer).map_err(|_| {
            PortError::permanent(
                ErrorKind::Internal,
                "the system gives no random bytes; nothing secret can be made until it does",
            )
        })
    }
}
