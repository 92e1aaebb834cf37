//! Secret bytes. This is the only type that holds them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Secret bytes: wiped when the last handle is dropped, in one heap place however often the handle is cloned.
///
/// There is deliberately no `Display`, `Serialize`, `PartialEq` or `Deref`: [`Secret::expose`] is the one way in, so that
/// one search finds every place that sees the bytes.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes ownership of the bytes; the caller keeps no copy.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(Arc::new(bytes))
    }

    /// The bytes. Do not copy them anywhere that is not wiped.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, or `None` where they are not UTF-8.
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The secret fields of one version, by name: `private_pem`, `password`, `secret_access_key`.
///
/// What is public about a version (a key id, a role's name) is not here but in
/// [`Attributes`](crate::version::Attributes), which may be journaled and shown.
#[derive(Clone, Default)]
pub struct Material {
    fields: BTreeMap<String, Secret>,
}

/// Sealed bytes that do not hold a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored material is not in a form that this version of Keywheel can read")]
pub struct MalformedMaterial;

impl Material {
    /// A material with one field.
    pub fn single(name: &str, secret: Secret) -> Self {
        Self::default().with(name, secret)
    }

    /// The same with one more field; a field of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, secret: Secret) -> Self {
        self.fields.insert(name.to_owned(), secret);
        self
    }

    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.fields.get(name)
    }

    /// Every field with its name, in the order of the names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.fields.iter().map(|(name, secret)| (name.as_str(), secret))
    }

    /// Length-prefixed bytes for sealing, in memory that is wiped. [`Material::decode`] reads them.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let size = self
            .fields()
            .map(|(n, s)| 8 + n.len() + s.expose().len())
            .sum::<usize>();
        // The exact capacity matters: a vector that grows leaves unwiped copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        for (name, secret) in self.fields() {
            for part in [name.as_bytes(), secret.expose()] {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }

    /// Reads what [`Material::encode`] wrote.
    ///
    /// # Errors
    /// [`MalformedMaterial`] where the bytes are cut off or a name is not UTF-8.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, MalformedMaterial> {
        let mut material = Self::default();
        while !bytes.is_empty() {
            let name = take_part(&mut bytes)?;
            let secret = take_part(&mut bytes)?;
            let name = std::str::from_utf8(name).map_err(|_| MalformedMaterial)?;
            let secret = Secret::new(Zeroizing::new(secret.to_vec()));
            material = material.with(name, secret);
        }
        Ok(material)
    }
}

fn take_part<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], MalformedMaterial> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(MalformedMaterial)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (part, rest) = rest.split_at_checked(length).ok_or(MalformedMaterial)?;
    *bytes = rest;
    Ok(part)
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(bytes: &[u8]) -> Secret {
        Secret::new(Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn debug_names_the_fields_and_hides_the_bytes() {
        let material = Material::single("password", secret(b"canary-4711"));
        assert_eq!(format!("{material:?}"), r#"{"password"}"#);
        assert_eq!(format!("{:?}", secret(b"canary-4711")), "Secret(redacted)");
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let material = Material::single("password", secret(b"canary-4711"));
        assert_eq!(material.get("password").map(Secret::expose), Some(&b"canary-4711"[..]));
        assert!(material.get("username").is_none());
    }

    /// A vector that grows leaves copies behind that nobody wipes.
    #[test]
    fn what_is_encoded_never_grows() {
        let material = Material::single("password", secret(b"canary-4711")).with("username", secret(b"ada"));
        let bytes = material.encode();
        assert_eq!(bytes.capacity(), bytes.len());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(fields in proptest::collection::btree_map("[a-z_]{1,12}", proptest::collection::vec(any::<u8>(), 0..40), 0..5)) {
            let material = fields.iter().fold(Material::default(), |m, (name, bytes)| m.with(name, secret(bytes)));
            let back = Material::decode(&material.encode()).unwrap();
            let exposed: BTreeMap<String, Vec<u8>> = back.fields().map(|(n, s)| (n.to_owned(), s.expose().to_vec())).collect();
            prop_assert_eq!(exposed, fields);
        }

        #[test]
        fn cut_off_bytes_are_refused_or_shorter(cut in 0usize..30) {
            let bytes = Material::single("password", secret(b"0123456789")).encode();
            let cut = cut.min(bytes.len() - 1);
            let read = Material::decode(&bytes[..cut]);
            prop_assert!(cut == 0 || read.is_err());
        }
    }
}
