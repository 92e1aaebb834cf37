//! Envelope encryption: every version's material under a data key of its own, wrapped by the key provider.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::ports::{Entropy, ErrorKind, KeyProvider, MaterialStore, PortError, SealedMaterial};
use zeroize::Zeroizing;

use crate::error::AppError;

/// Seals, keeps and opens material.
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    pub(crate) store: Arc<dyn MaterialStore>,
    pub(crate) keys: Arc<dyn KeyProvider>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// Seals and keeps the material, and returns what is kept: an earlier material of the same version stays.
    pub(crate) async fn keep(&self, id: &VersionId, material: &Material) -> Result<Material, AppError> {
        let sealed = self.seal(id, material).await?;
        let kept = self.store.put(id, &sealed).await?;
        self.open(id, &kept).await
    }

    /// The material of a version; `None` where none is kept.
    pub(crate) async fn find(&self, id: &VersionId) -> Result<Option<Material>, AppError> {
        match self.store.get(id).await? {
            Some(sealed) => Ok(Some(self.open(id, &sealed).await?)),
            None => Ok(None),
        }
    }

    async fn seal(&self, id: &VersionId, material: &Material) -> Result<SealedMaterial, AppError> {
        let context = context(id);
        let mut data_key = Zeroizing::new([0u8; 32]);
        let mut nonce = [0u8; NONCE_LEN];
        self.entropy.fill(data_key.as_mut_slice())?;
        self.entropy.fill(&mut nonce)?;
        let key_id = self.keys.key_id().await?;
        let wrapped_key = self
            .keys
            .wrap(data_key.as_slice(), &context, self.entropy.as_ref())
            .await?;
        let plain = material.encode();
        // The tag is appended in place: with the room reserved the plain text is never copied by a growing vector.
        let mut ciphertext = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        ciphertext.extend_from_slice(&plain);
        cipher(data_key.as_slice())?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&context),
                &mut ciphertext,
            )
            .map_err(|_| PortError::permanent(ErrorKind::Internal, "the material could not be encrypted"))?;
        Ok(SealedMaterial {
            key_id,
            wrapped_key,
            nonce: nonce.to_vec(),
            ciphertext,
        })
    }

    /// Opens sealed material.
    pub(crate) async fn open(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<Material, AppError> {
        let context = context(id);
        let data_key = self.keys.unwrap(&sealed.key_id, &sealed.wrapped_key, &context).await?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| not_authentic(id))?;
        let mut buffer = Zeroizing::new(sealed.ciphertext.clone());
        let plain = cipher(&data_key)?
            .open_in_place(nonce, Aad::from(&context), &mut buffer)
            .map_err(|_| not_authentic(id))?;
        Ok(Material::decode(plain)?)
    }
}

/// What is authenticated along with the material, so that it cannot be passed off as another version's.
fn context(id: &VersionId) -> Vec<u8> {
    format!("keywheel material v1 {id}").into_bytes()
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, PortError> {
    let key = UnboundKey::new(&AES_256_GCM, key);
    let key = key.map_err(|_| PortError::permanent(ErrorKind::Invalid, "the unwrapped data key has the wrong size"))?;
    Ok(LessSafeKey::new(key))
}

fn not_authentic(id: &VersionId) -> PortError {
    PortError::permanent(
        ErrorKind::Invalid,
        format!("the sealed material of {id} is not authentic; restore the state file from its backup"),
    )
}
