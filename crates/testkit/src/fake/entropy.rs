//! Randomness that can be repeated.

use std::sync::{Mutex, PoisonError};

use keywheel_domain::ports::{Entropy, PortError};

/// The same bytes for the same seed.
#[derive(Debug)]
pub struct FakeEntropy {
    rng: Mutex<fastrand::Rng>,
}

impl FakeEntropy {
    /// The bytes of that seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }
}

impl Entropy for FakeEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).fill(buffer);
        Ok(())
    }
}
