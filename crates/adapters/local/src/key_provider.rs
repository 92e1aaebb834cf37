//! Keys that seal material: from key files and environment variables.
//!
//! A key is 32 random bytes. What wraps a data key is not the key itself but one that is derived from it (HKDF-SHA256,
//! RFC 5869), with AES-256-GCM and the context as its authenticated data. The key's id is derived by the same function under
//! another label, so it can be shown and says nothing about the key.

mod source;

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use keywheel_domain::ports::{Entropy, ErrorKind, KeyProvider, PortError};
use zeroize::Zeroizing;

use crate::config::KeyConfig;
use crate::error::invalid;

pub use source::{ReadVariable, create_key_file};

const KEY_LENGTH: usize = 32;
/// The first byte of wrapped data keys, so that another form can be told apart one day.
const FORM: u8 = 1;
const ID_LABEL: &[u8] = b"keywheel local key: id, version 1";
const WRAP_LABEL: &[u8] = b"keywheel local key: wrap, version 1";

/// The key that wraps, and older ones that only unwrap.
#[derive(Debug)]
pub struct LocalKeys {
    current: Key,
    old: Vec<Key>,
}

struct Key {
    id: String,
    wrapping: LessSafeKey,
}

impl LocalKeys {
    /// Reads every configured key once. `variable` gives an environment variable's value; relative paths count from `base`.
    ///
    /// # Errors
    /// `Invalid` for a configuration that names no key or two, and for a text that is not 32 bytes in base64; `NotFound` for
    /// a variable that is not set; `Forbidden` for a file that others can read. The message says how to mend it.
    pub fn load(config: &KeyConfig, base: &Path, variable: &ReadVariable<'_>) -> Result<Self, PortError> {
        let current = read_key(config.file.as_deref(), config.env.as_deref(), base, variable)?;
        let old = config
            .old
            .iter()
            .map(|old| read_key(old.file.as_deref(), old.env.as_deref(), base, variable))
            .collect::<Result<_, _>>()?;
        Ok(Self { current, old })
    }

    /// The key of that id, where it is held.
    fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.old).find(|key| key.id == id)
    }
}

fn read_key(
    file: Option<&Path>,
    env: Option<&str>,
    base: &Path,
    variable: &ReadVariable<'_>,
) -> Result<Key, PortError> {
    let bytes = match (file, env) {
        (Some(file), None) => source::from_file(&base.join(file))?,
        (None, Some(name)) => source::from_variable(name, variable)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "a key needs either `file` or `env`, and not both; name a key file or an environment variable",
            ));
        }
    };
    Ok(Key::derive(&bytes))
}

impl Key {
    fn derive(bytes: &[u8; KEY_LENGTH]) -> Self {
        let id = expand(bytes, ID_LABEL);
        let wrapping = expand(bytes, WRAP_LABEL);
        let wrapping = UnboundKey::new(&AES_256_GCM, wrapping.as_slice()).expect("AES-256 takes every 32 bytes");
        Self {
            id: id.iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
            wrapping: LessSafeKey::new(wrapping),
        }
    }
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LENGTH
    }
}

fn expand(key: &[u8; KEY_LENGTH], label: &[u8]) -> Zeroizing<[u8; KEY_LENGTH]> {
    let mut output = Zeroizing::new([0; KEY_LENGTH]);
    Salt::new(HKDF_SHA256, &[])
        .extract(key)
        .expand(&[label], KeyLength)
        .and_then(|okm| okm.fill(output.as_mut_slice()))
        .expect("HKDF-SHA256 gives up to 8160 bytes");
    output
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

#[async_trait]
impl KeyProvider for LocalKeys {
    async fn key_id(&self) -> Result<String, PortError> {
        Ok(self.current.id.clone())
    }

    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        // With the room for its tag from the start: a buffer that grows leaves an unwiped copy of the data key behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(data_key.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(data_key);
        self.current
            .wrapping
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut *sealed)
            .map_err(|_| PortError::permanent(ErrorKind::Internal, "the data key could not be wrapped"))?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError> {
        let key = self.find(key_id).ok_or_else(|| {
            PortError::permanent(
                ErrorKind::NotFound,
                format!(
                    "no configured key has the id {key_id}; if the key was replaced, list the old one under `[[key.old]]`"
                ),
            )
        })?;
        let forged = || invalid("the wrapped data key or its context was changed; restore the database from a backup");
        let (form, rest) = wrapped.split_first().ok_or_else(forged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(forged)?;
        if *form != FORM {
            return Err(invalid(
                "the data key was wrapped by a newer version of Keywheel; use that version",
            ));
        }
        let mut opened = Zeroizing::new(sealed.to_vec());
        let length = key
            .wrapping
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context),
                opened.as_mut_slice(),
            )
            .map_err(|_| forged())?
            .len();
        opened.truncate(length);
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_keys_own_and_no_part_of_it() {
        let (one, other) = (Key::derive(&[1; KEY_LENGTH]), Key::derive(&[2; KEY_LENGTH]));
        assert_eq!(one.id, Key::derive(&[1; KEY_LENGTH]).id);
        assert_ne!(one.id, other.id);
        assert_eq!(one.id.len(), 16);
        assert!(!one.id.contains("0101"));
    }

    #[test]
    fn the_id_of_a_key_stays_the_same_in_every_release() {
        assert_eq!(Key::derive(&[7; KEY_LENGTH]).id, "f682360ee7dc876f");
    }

    #[test]
    fn debug_shows_ids_alone() {
        let key = Key::derive(&[1; KEY_LENGTH]);
        assert_eq!(format!("{key:?}"), format!("Key({})", key.id));
    }
}
