use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use rsa::pkcs8::DecodePrivateKey;

use super::private::Pair;
use super::public::rsa_bits;
use super::{Algorithm, KeyError, PrivateKey};

impl PrivateKey {
    /// Makes a new key from the operating system's entropy. `rsa_bits` is 2048, 3072, 4096 or 8192 and means nothing
    /// for the other algorithms.
    ///
    /// An RSA key of 4096 bits takes a second or so of one processor: call it where blocking is allowed. Two calls
    /// never give the same key.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedSize`] for other sizes; [`KeyError::Inconsistent`] if the generated key does not pass
    /// the check by a second implementation, which no caller should retry quietly; [`KeyError::Engine`].
    pub fn generate(algorithm: Algorithm, rsa_bits: u32) -> Result<Self, KeyError> {
        let engine = |_| KeyError::Engine { what: "generate a key" };
        let pair = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Pair::Rsa(generate_rsa(rsa_bits)?),
            Algorithm::Es256 => Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(engine)?),
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().map_err(engine)?),
        };
        Self::new(pair, algorithm)
    }
}

fn generate_rsa(bits: u32) -> Result<RsaKeyPair, KeyError> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        other => return Err(KeyError::UnsupportedSize { bits: other }),
    };
    let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Engine { what: "generate a key" })?;
    check_generated(&pair, bits)?;
    Ok(pair)
}

/// A second implementation looks at the numbers and at the size before anything is sealed or handed out.
fn check_generated(pair: &RsaKeyPair, bits: u32) -> Result<(), KeyError> {
    let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| KeyError::Engine { what: "export the key" })?;
    let key = rsa::RsaPrivateKey::from_pkcs8_der(der.as_ref()).map_err(|_| KeyError::Inconsistent)?;
    key.validate().map_err(|_| KeyError::Inconsistent)?;
    if rsa_bits(&key) == bits {
        Ok(())
    } else {
        Err(KeyError::Inconsistent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_key_has_the_size_that_was_asked_for() {
        for bits in [2048, 4096] {
            let key = PrivateKey::generate(Algorithm::Rs256, bits).unwrap();
            assert_eq!(key.public().bits(), bits);
        }
    }

    #[test]
    fn sizes_in_between_are_refused() {
        for bits in [0, 1024, 2047, 4095, 16384] {
            let refused = PrivateKey::generate(Algorithm::Ps256, bits).unwrap_err();
            assert_eq!(refused, KeyError::UnsupportedSize { bits });
        }
    }

    #[test]
    fn two_keys_are_never_the_same() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let keys = [0, 1].map(|_| PrivateKey::generate(algorithm, 0).unwrap());
            assert_ne!(keys[0].public().kid(), keys[1].public().kid());
        }
    }
}
