//! The key provider and the entropy behind the gate.

use async_trait::async_trait;
use keywheel_domain::ports::{Entropy, KeyProvider, PortError};
use zeroize::Zeroizing;

use super::{Class, Faulty};

#[async_trait]
impl KeyProvider for Faulty<dyn KeyProvider> {
    async fn key_id(&self) -> Result<String, PortError> {
        self.gate
            .pass(("keys", "key_id", Class::Looks), None, self.inner.key_id())
            .await
    }

    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError> {
        let call = self.inner.wrap(data_key, context, entropy);
        self.gate.pass(("keys", "wrap", Class::Looks), None, call).await
    }

    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError> {
        let call = self.inner.unwrap(key_id, wrapped, context);
        self.gate.pass(("keys", "unwrap", Class::Looks), None, call).await
    }
}

impl Entropy for Faulty<dyn Entropy> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        self.gate.pass_at_once(("entropy", "fill"), || self.inner.fill(buffer))
    }
}
