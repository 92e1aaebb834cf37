//! Randomness that can be repeated.

use std::sync::{Mutex, MutexGuard, PoisonError};

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

    /// The bytes that this one would give next.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            rng: Mutex::new(self.lock().clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for FakeEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        self.lock().fill(buffer);
        Ok(())
    }
}
