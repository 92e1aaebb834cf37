//! A key that wraps data keys well enough for a test, and for nothing else.

use async_trait::async_trait;
use keywheel_domain::ports::{Entropy, ErrorKind, KeyProvider, PortError};
use zeroize::Zeroizing;

const NONCE: usize = 8;
const TAG: usize = 8;

/// Wraps by adding a stream of numbers: it notices every change of bytes and context, and keeps no secret from anybody.
#[derive(Debug, Clone)]
pub struct FakeKeys {
    id: String,
    key: u64,
}

impl FakeKeys {
    /// The provider whose key is that number.
    pub fn numbered(key: u64) -> Self {
        Self {
            id: format!("test-key-{key}"),
            key,
        }
    }

    fn stream(&self, nonce: &[u8]) -> fastrand::Rng {
        fastrand::Rng::with_seed(hash(&[&self.key.to_le_bytes(), nonce]))
    }

    fn tag(&self, nonce: &[u8], context: &[u8], body: &[u8]) -> [u8; TAG] {
        hash(&[&self.key.to_le_bytes(), nonce, context, body]).to_le_bytes()
    }
}

#[async_trait]
impl KeyProvider for FakeKeys {
    async fn key_id(&self) -> Result<String, PortError> {
        Ok(self.id.clone())
    }

    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError> {
        let mut nonce = [0u8; NONCE];
        entropy.fill(&mut nonce)?;
        let mut stream = self.stream(&nonce);
        let body: Vec<u8> = data_key.iter().map(|byte| byte ^ stream.u8(..)).collect();
        let tag = self.tag(&nonce, context, &body);
        Ok([nonce.as_slice(), &tag, &body].concat())
    }

    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError> {
        if key_id != self.id {
            let problem = format!("there is no key {key_id} here, only {}", self.id);
            return Err(PortError::permanent(ErrorKind::NotFound, problem));
        }
        let invalid = || PortError::permanent(ErrorKind::Invalid, "the wrapped key is not authentic");
        let (nonce, rest) = wrapped.split_at_checked(NONCE).ok_or_else(invalid)?;
        let (tag, body) = rest.split_at_checked(TAG).ok_or_else(invalid)?;
        if tag != self.tag(nonce, context, body) {
            return Err(invalid());
        }
        let mut stream = self.stream(nonce);
        Ok(Zeroizing::new(body.iter().map(|byte| byte ^ stream.u8(..)).collect()))
    }
}

/// FNV-1a over parts and their lengths.
fn hash(parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    parts.iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| {
        let hash = (part.len() as u64).to_le_bytes().into_iter().fold(hash, step);
        part.iter().copied().fold(hash, step)
    })
}
