//! The key that seals everything.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use keywheel_domain::ports::{Entropy, KeyProvider, PortError};
use keywheel_local::config::KeyConfig;
use keywheel_local::{LocalKeys, OsEntropy};
use zeroize::Zeroizing;

use crate::surroundings;

/// Makes the key file of a new configuration, and returns the key's id.
pub(crate) fn create_key_file(path: &Path) -> Result<String, PortError> {
    keywheel_local::create_key_file(path, &OsEntropy)
}

/// Reads the sealing key when it is needed: what only looks at the journal works without the right to read the key, and
/// `doctor` finds a key that cannot be read instead of failing on it.
#[derive(Debug)]
pub(super) struct KeyOnDemand {
    pub(super) config: KeyConfig,
    pub(super) base: PathBuf,
}

impl KeyOnDemand {
    fn load(&self) -> Result<LocalKeys, PortError> {
        LocalKeys::load(&self.config, &self.base, &surroundings::variable)
    }
}

#[async_trait]
impl KeyProvider for KeyOnDemand {
    async fn key_id(&self) -> Result<String, PortError> {
        self.load()?.key_id().await
    }

    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError> {
        self.load()?.wrap(data_key, context, entropy).await
    }

    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError> {
        self.load()?.unwrap(key_id, wrapped, context).await
    }
}
