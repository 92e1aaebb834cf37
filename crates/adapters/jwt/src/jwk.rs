//! JSON Web Keys (RFC 7517) of public keys, and the names of keys (RFC 7638).
//!
//! The types have no field that a private number could be in, and a document is searched for such members again
//! before it is published or trusted.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::key::{Algorithm, KeyError, PublicKey};

/// The name of a key: its RFC 7638 thumbprint (SHA-256, base64url, 43 characters). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Kid(Arc<str>);

impl Kid {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Kid {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for Kid {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.as_str().to_owned()
    }
}

impl Borrow<str> for Kid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public numbers of a key, base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum Parameters {
    /// RFC 7518 section 6.3.1.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// RFC 7518 section 6.2.1.
    #[serde(rename = "EC")]
    Ec {
        /// The curve; only `P-256` is supported.
        crv: String,
        /// The first coordinate, in full length.
        x: String,
        /// The second coordinate, in full length.
        y: String,
    },
    /// RFC 8037 section 2.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve; only `Ed25519` is supported.
        crv: String,
        /// The public key.
        x: String,
    },
}

impl Parameters {
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa {
            n: URL_SAFE_NO_PAD.encode(n),
            e: URL_SAFE_NO_PAD.encode(e),
        }
    }

    pub(crate) fn p256(x: &[u8], y: &[u8]) -> Self {
        Self::Ec {
            crv: "P-256".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        }
    }

    pub(crate) fn ed25519(x: &[u8]) -> Self {
        Self::Okp {
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
        }
    }

    /// The name of the key (RFC 7638 section 3): the digest of the required members alone, in lexical order.
    /// None of the values can contain a character that JSON would escape: they are base64url or a curve's name.
    pub(crate) fn thumbprint(&self) -> Kid {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        Kid(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())).into())
    }

    fn public_key(&self) -> Result<PublicKey, KeyError> {
        let bytes = |text: &str| {
            let damaged = |_| KeyError::Malformed {
                label: "JWK".to_owned(),
                wanted: "base64url",
            };
            URL_SAFE_NO_PAD.decode(text).map_err(damaged)
        };
        match self {
            Self::Rsa { n, e } => PublicKey::from_rsa(&bytes(n)?, &bytes(e)?),
            Self::Ec { crv, x, y } if crv == "P-256" => {
                PublicKey::from_p256_point(&[vec![4], bytes(x)?, bytes(y)?].concat())
            }
            Self::Okp { crv, x } if crv == "Ed25519" => match bytes(x)? {
                x if x.len() == 32 => Ok(PublicKey::from_ed25519(&x)),
                _ => Err(KeyError::BadPoint),
            },
            Self::Ec { crv, .. } | Self::Okp { crv, .. } => Err(KeyError::UnsupportedKind { kind: crv.clone() }),
        }
    }
}

/// One published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The public numbers, with `kty`.
    #[serde(flatten)]
    pub parameters: Parameters,
    /// The name that tokens give in their header.
    pub kid: Kid,
    /// What it is for: always `sig`.
    #[serde(rename = "use")]
    pub usage: Usage,
    /// The only algorithm that it may be used with.
    pub alg: Algorithm,
}

/// What a published key is for (RFC 7517 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usage {
    /// Signatures.
    #[serde(rename = "sig")]
    Signature,
}

impl Jwk {
    /// The JWK of a public key for one algorithm.
    pub fn new(key: &PublicKey, alg: Algorithm) -> Self {
        Self {
            parameters: key.parameters(),
            kid: key.kid().clone(),
            usage: Usage::Signature,
            alg,
        }
    }

    /// The key in it.
    ///
    /// # Errors
    /// [`KeyError`] when the numbers are not a key of a supported kind and size.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        self.parameters.public_key()
    }
}

/// A published set of keys, media type `application/jwk-set+json` (RFC 7517 section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, each with a `kid` of its own.
    pub keys: Vec<Jwk>,
}

/// Why a key set is not published, or not believed.
#[derive(Debug, Error)]
pub enum JwkError {
    /// A member that belongs to private or symmetric keys.
    #[error("the key set contains the private member `{member}`: treat that key as compromised and never publish it")]
    PrivateMember {
        /// Its name.
        member: String,
    },
    /// Two keys of one name.
    #[error("two keys of the set have the name {kid}: every `kid` must be distinct")]
    SameKid {
        /// The name.
        kid: Kid,
    },
    /// Not JSON, or not a key set.
    #[error("this is not a JSON Web Key Set: it must look like `{{\"keys\":[...]}}`")]
    Json(#[from] serde_json::Error),
}

/// Members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl JwkSet {
    /// The document to publish, checked to be free of private members and of repeated names.
    ///
    /// # Errors
    /// [`JwkError`]; nothing may be published then.
    pub fn to_json(&self) -> Result<String, JwkError> {
        let value = serde_json::to_value(self)?;
        assert_public(&value)?;
        self.assert_distinct()?;
        Ok(serde_json::to_string_pretty(&value)?)
    }

    /// Reads a published set. Keys of kinds, uses or algorithms that are not ours are passed over, as RFC 7517
    /// section 5 asks for.
    ///
    /// # Errors
    /// [`JwkError`] for anything that is not a set, for private members anywhere in it, and for repeated names.
    pub fn from_json(text: &[u8]) -> Result<Self, JwkError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let value: serde_json::Value = serde_json::from_slice(text)?;
        assert_public(&value)?;
        let document = Document::deserialize(value)?;
        let keys = document
            .keys
            .into_iter()
            .filter_map(|key| Jwk::deserialize(key).ok())
            .collect();
        let set = Self { keys };
        set.assert_distinct()?;
        Ok(set)
    }

    fn assert_distinct(&self) -> Result<(), JwkError> {
        let mut seen = std::collections::HashSet::new();
        match self.keys.iter().find(|key| !seen.insert(&key.kid)) {
            Some(key) => Err(JwkError::SameKid { kid: key.kid.clone() }),
            None => Ok(()),
        }
    }
}

fn assert_public(value: &serde_json::Value) -> Result<(), JwkError> {
    match value {
        serde_json::Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if PRIVATE_MEMBERS.contains(&name.as_str()) {
                return Err(JwkError::PrivateMember { member: name.clone() });
            }
            assert_public(value)
        }),
        serde_json::Value::Array(items) => items.iter().try_for_each(assert_public),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
