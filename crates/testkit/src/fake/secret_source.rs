//! A secret of Keywheel's own, in memory.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{ErrorKind, PortError, SecretSource};

/// Holds a secret, or none.
#[derive(Debug, Default)]
pub struct FakeSecret {
    held: Mutex<Option<Secret>>,
}

impl FakeSecret {
    /// One that holds that secret.
    pub fn holding(secret: Secret) -> Self {
        Self {
            held: Mutex::new(Some(secret)),
        }
    }

    /// Puts another secret in its place, as a rotation does.
    pub fn replace(&self, secret: Secret) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret);
    }
}

#[async_trait]
impl SecretSource for FakeSecret {
    async fn read(&self) -> Result<Secret, PortError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match held {
            None => Err(PortError::permanent(
                ErrorKind::NotFound,
                "nothing was put into the simulated source; put a secret into it",
            )),
            Some(secret) if secret.expose().is_empty() => Err(PortError::permanent(
                ErrorKind::Invalid,
                "the simulated source is empty; put a secret into it",
            )),
            Some(secret) => Ok(secret),
        }
    }
}
