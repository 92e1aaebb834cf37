use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::der::pem::{LineEnding, encode_string};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use zeroize::Zeroizing;

use super::armour::{self, Block};
use super::public::{OID_EC, OID_ED25519, OID_P256, OID_RSA, check_rsa_size};
use super::{Algorithm, Family, KeyError, PublicKey};

/// A signing key, parsed once. Its numbers live in the engine's memory, which wipes them when the key is dropped.
pub struct PrivateKey {
    algorithm: Algorithm,
    pair: Pair,
    public: PublicKey,
}

pub(super) enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Reads a PEM file with one private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC P-256).
    ///
    /// Without an `algorithm` the usual one of the key's kind is taken (RS256, ES256, EdDSA). `minimum_bits` is the
    /// smallest RSA modulus that the policy allows; 2048 is the floor whatever it says.
    ///
    /// # Errors
    /// [`KeyError`], which says what is wrong with the file and what to do.
    pub fn from_pem(pem: &[u8], algorithm: Option<Algorithm>, minimum_bits: u32) -> Result<Self, KeyError> {
        let block = armour::single(pem)?;
        let pair = match block.label {
            "PRIVATE KEY" => from_pkcs8(&block, minimum_bits)?,
            "RSA PRIVATE KEY" => from_pkcs1(&block, &block.decode()?, minimum_bits)?,
            "EC PRIVATE KEY" => from_sec1(&block)?,
            label @ ("PUBLIC KEY" | "RSA PUBLIC KEY") => {
                return Err(KeyError::PublicInsteadOfPrivate {
                    label: label.to_owned(),
                });
            }
            label => {
                return Err(KeyError::UnsupportedBlock {
                    label: label.to_owned(),
                });
            }
        };
        let usual = pair.family().usual_algorithm();
        Self::new(pair, algorithm.unwrap_or(usual))
    }

    pub(super) fn new(pair: Pair, algorithm: Algorithm) -> Result<Self, KeyError> {
        let public = pair.public()?;
        public.fits(algorithm)?;
        Ok(Self {
            algorithm,
            pair,
            public,
        })
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Refuses a public key of another pair.
    ///
    /// # Errors
    /// [`KeyError::PairMismatch`].
    pub fn belongs_to(&self, public: &PublicKey) -> Result<(), KeyError> {
        if *public == self.public {
            return Ok(());
        }
        let (public, private) = (public.kid().to_string(), self.public.kid().to_string());
        Err(KeyError::PairMismatch { public, private })
    }

    /// The key as unencrypted PKCS#8 PEM (RFC 5958, version 1, which OpenSSL writes too).
    ///
    /// # Errors
    /// [`KeyError::Engine`] when the engine is out of memory.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let engine = |_| KeyError::Engine { what: "export the key" };
        let armour = |der: &[u8]| {
            let pem = encode_string("PRIVATE KEY", LineEnding::LF, der).map(Zeroizing::new);
            pem.map_err(|_| KeyError::Engine { what: "encode the key" })
        };
        match &self.pair {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'static> = pair.as_der().map_err(engine)?;
                armour(der.as_ref())
            }
            Pair::P256(pair) => armour(pair.to_pkcs8v1().map_err(engine)?.as_ref()),
            Pair::Ed25519(pair) => armour(pair.to_pkcs8v1().map_err(engine)?.as_ref()),
        }
    }

    /// The raw signature of a message, as JWS carries it (RFC 7515 section 5.1; RFC 7518 section 3.4 for ES256).
    ///
    /// # Errors
    /// [`KeyError::Engine`] when the engine is out of memory.
    #[expect(
        clippy::disallowed_methods,
        reason = "the engine ignores the generator that its signature asks for"
    )]
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let engine = |_| KeyError::Engine { what: "sign" };
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = if self.algorithm == Algorithm::Ps256 {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature)
                    .map_err(engine)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair
                .sign(&SystemRandom::new(), message)
                .map_err(engine)?
                .as_ref()
                .to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(engine)?.as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("algorithm", &self.algorithm)
            .field("kid", self.public.kid())
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn family(&self) -> Family {
        match self {
            Self::Rsa(_) => Family::Rsa,
            Self::P256(_) => Family::P256,
            Self::Ed25519(_) => Family::Ed25519,
        }
    }

    fn public(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Rsa(pair) => PublicKey::from_pkcs1_der(pair.public_key().as_ref()).unwrap_or(Err(KeyError::Engine {
                what: "write the public half",
            })),
            Self::P256(pair) => PublicKey::from_p256_point(pair.public_key().as_ref()),
            Self::Ed25519(pair) => Ok(PublicKey::from_ed25519(pair.public_key().as_ref())),
        }
    }
}

fn from_pkcs8(block: &Block<'_>, minimum_bits: u32) -> Result<Pair, KeyError> {
    let der = block.decode()?;
    let malformed = || block.malformed("a PKCS#8 private key");
    let info = PrivateKeyInfo::try_from(der.as_slice()).map_err(|_| malformed())?;
    match info.algorithm.oid {
        OID_RSA => from_pkcs1(block, info.private_key, minimum_bits),
        OID_EC => match info.algorithm.parameters_oid() {
            Ok(OID_P256) => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| malformed())?;
                uncompressed(&pair)
            }
            Ok(curve) => Err(unsupported("EC curve", curve)),
            Err(_) => Err(malformed()),
        },
        OID_ED25519 => Ed25519KeyPair::from_pkcs8(&der)
            .map(Pair::Ed25519)
            .map_err(|_| malformed()),
        other => Err(unsupported("object identifier", other)),
    }
}

fn unsupported(what: &str, oid: ObjectIdentifier) -> KeyError {
    KeyError::UnsupportedKind {
        kind: format!("{what} {oid}"),
    }
}

/// The size is looked at first: "2048 bits" helps more than "inconsistent" when both are true.
fn from_pkcs1(block: &Block<'_>, der: &[u8], minimum_bits: u32) -> Result<Pair, KeyError> {
    let malformed = || block.malformed("an RSA private key");
    let outline = rsa::pkcs1::RsaPrivateKey::try_from(der).map_err(|_| malformed())?;
    if outline.version() != rsa::pkcs1::Version::TwoPrime {
        return Err(KeyError::UnsupportedKind {
            kind: "RSA with more than two primes".to_owned(),
        });
    }
    let modulus = rsa::BigUint::from_bytes_be(outline.modulus.as_bytes());
    check_rsa_size(u32::try_from(modulus.bits()).unwrap_or(u32::MAX), minimum_bits)?;
    let checked = rsa::RsaPrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Inconsistent)?;
    checked.validate().map_err(|_| KeyError::Inconsistent)?;
    RsaKeyPair::from_der(der)
        .map(Pair::Rsa)
        .map_err(|_| KeyError::Inconsistent)
}

fn from_sec1(block: &Block<'_>) -> Result<Pair, KeyError> {
    let der = block.decode()?;
    if let Ok(pair) = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
        return uncompressed(&pair);
    }
    // The structure may leave its curve out, so the other ones are tried: "wrong curve" helps more than "damaged".
    let others = [
        ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
        ("secp256k1", &ECDSA_P256K1_SHA256_ASN1_SIGNING),
    ];
    let other = others
        .iter()
        .find(|(_, curve)| EcdsaKeyPair::from_private_key_der(curve, &der).is_ok());
    Err(match other {
        Some((name, _)) => KeyError::UnsupportedKind {
            kind: format!("EC curve {name}"),
        },
        None => block.malformed("an EC private key"),
    })
}

/// The same key with its public point written out, because not every library reads a compressed one.
fn uncompressed(pair: &EcdsaKeyPair) -> Result<Pair, KeyError> {
    let number: EcPrivateKeyBin<'static> = pair
        .private_key()
        .as_be_bytes()
        .map_err(|_| KeyError::Engine { what: "export the key" })?;
    let point = pair.public_key().as_ref();
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, number.as_ref(), point)
        .map(Pair::P256)
        .map_err(|_| KeyError::BadPoint)
}

#[cfg(test)]
mod tests;
