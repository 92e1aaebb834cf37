use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use jsonwebtoken::DecodingKey;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::der::{Encode, asn1::BitStringRef};
use rsa::pkcs8::spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};

use super::armour::{self, Block};
use super::{Algorithm, CEILING_RSA_BITS, FLOOR_RSA_BITS, Family, KeyError};
use crate::jwk::{Kid, Parameters};

/// `rsaEncryption` (RFC 8017 appendix A.1).
pub(super) const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 section 2.1.1).
pub(super) const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1` (RFC 5480 section 2.1.1.1).
pub(super) const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `id-Ed25519` (RFC 8410 section 3).
pub(super) const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The public half of a signing key: what verifiers get, and all that they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    numbers: Numbers,
    kid: Kid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Numbers {
    Rsa(RsaPublicKey),
    /// The uncompressed point: 4, x, y.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads a PEM file: SPKI (`PUBLIC KEY`) of RSA, EC P-256 or Ed25519, or PKCS#1 (`RSA PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyError`], which says what is wrong with the file and what to do; RSA keys below 2048 bits are refused.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let block = armour::single(pem)?;
        match block.label {
            "PUBLIC KEY" => Self::from_spki(&block),
            "RSA PUBLIC KEY" => {
                let der = block.decode()?;
                Self::from_pkcs1_der(&der).unwrap_or_else(|| Err(block.malformed("a PKCS#1 public key")))
            }
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::PrivateInsteadOfPublic {
                label: label.to_owned(),
            }),
            label => Err(KeyError::UnsupportedBlock {
                label: label.to_owned(),
            }),
        }
    }

    fn from_spki(block: &Block<'_>) -> Result<Self, KeyError> {
        let der = block.decode()?;
        let malformed = || block.malformed("a public key (SubjectPublicKeyInfo)");
        let spki = SubjectPublicKeyInfoRef::try_from(der.as_slice()).map_err(|_| malformed())?;
        let bytes = spki.subject_public_key.as_bytes().ok_or_else(malformed)?;
        match spki.algorithm.oid {
            OID_RSA => Self::from_pkcs1_der(bytes).unwrap_or_else(|| Err(malformed())),
            OID_EC => match spki.algorithm.parameters_oid() {
                Ok(OID_P256) => Self::from_p256_point(bytes),
                Ok(curve) => Err(KeyError::UnsupportedKind {
                    kind: format!("EC curve {curve}"),
                }),
                Err(_) => Err(malformed()),
            },
            OID_ED25519 if bytes.len() == 32 => Ok(Self::from_ed25519(bytes)),
            OID_ED25519 => Err(malformed()),
            other => Err(KeyError::UnsupportedKind {
                kind: other.to_string(),
            }),
        }
    }

    /// From a PKCS#1 structure; `None` when it is not one.
    pub(super) fn from_pkcs1_der(der: &[u8]) -> Option<Result<Self, KeyError>> {
        let key = rsa::pkcs1::RsaPublicKey::try_from(der).ok()?;
        Some(Self::from_rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes()))
    }

    pub(crate) fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        let bits = u32::try_from(n.bits()).unwrap_or(u32::MAX);
        check_rsa_size(bits, FLOOR_RSA_BITS)?;
        let key =
            RsaPublicKey::new_with_max_size(n, e, CEILING_RSA_BITS as usize).map_err(|_| KeyError::Inconsistent)?;
        Ok(Self::new(Numbers::Rsa(key)))
    }

    pub(crate) fn from_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        let on_curve = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).parse().is_ok();
        if point.len() != 65 || point[0] != 4 || !on_curve {
            return Err(KeyError::BadPoint);
        }
        Ok(Self::new(Numbers::P256(point.to_vec())))
    }

    /// From 32 bytes; the caller has checked the length.
    pub(crate) fn from_ed25519(bytes: &[u8]) -> Self {
        Self::new(Numbers::Ed25519(bytes.to_vec()))
    }

    fn new(numbers: Numbers) -> Self {
        let kid = numbers.parameters().thumbprint();
        Self { numbers, kid }
    }

    /// The RFC 7638 thumbprint, which is the key's name in tokens, sets and reports.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Bits of the modulus, or 256 for the two curves.
    pub fn bits(&self) -> u32 {
        match &self.numbers {
            Numbers::Rsa(key) => rsa_bits(key),
            Numbers::P256(_) | Numbers::Ed25519(_) => 256,
        }
    }

    pub(crate) fn family(&self) -> Family {
        match &self.numbers {
            Numbers::Rsa(_) => Family::Rsa,
            Numbers::P256(_) => Family::P256,
            Numbers::Ed25519(_) => Family::Ed25519,
        }
    }

    /// Refuses an algorithm that needs another kind of key.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        let (wanted, found) = (algorithm.family(), self.family());
        if wanted == found {
            return Ok(());
        }
        Err(KeyError::WrongKind {
            algorithm,
            wanted: wanted.name(),
            found: found.name(),
        })
    }

    /// The public members of its JWK.
    pub(crate) fn parameters(&self) -> Parameters {
        self.numbers.parameters()
    }

    /// The key as PEM in the form that every library reads (SPKI, RFC 5280 section 4.1).
    pub fn to_spki_pem(&self) -> String {
        let encoded = match &self.numbers {
            Numbers::Rsa(key) => key.to_public_key_pem(LineEnding::LF),
            Numbers::P256(point) => spki_pem(OID_EC, Some(OID_P256), point),
            Numbers::Ed25519(bytes) => spki_pem(OID_ED25519, None, bytes),
        };
        encoded.expect("a key that was accepted is within the limits of DER")
    }

    /// The key as `jsonwebtoken` verifies with it.
    pub(crate) fn decoding_key(&self) -> DecodingKey {
        match &self.numbers {
            Numbers::Rsa(key) => {
                let der = key
                    .to_pkcs1_der()
                    .expect("a key that was accepted is within the limits of DER");
                DecodingKey::from_rsa_der(der.as_bytes())
            }
            Numbers::P256(point) => DecodingKey::from_ec_der(point),
            Numbers::Ed25519(bytes) => DecodingKey::from_ed_der(bytes),
        }
    }
}

impl Numbers {
    fn parameters(&self) -> Parameters {
        match self {
            Self::Rsa(key) => Parameters::rsa(&key.n().to_bytes_be(), &key.e().to_bytes_be()),
            Self::P256(point) => Parameters::p256(&point[1..33], &point[33..65]),
            Self::Ed25519(bytes) => Parameters::ed25519(bytes),
        }
    }
}

/// Refuses sizes that a verifier would refuse, or that are below what the policy asks for.
pub(super) fn check_rsa_size(bits: u32, minimum: u32) -> Result<(), KeyError> {
    let minimum = minimum.max(FLOOR_RSA_BITS);
    if bits < minimum {
        Err(KeyError::TooSmall { bits, minimum })
    } else if bits > CEILING_RSA_BITS || !bits.is_multiple_of(8) {
        Err(KeyError::UnsupportedSize { bits })
    } else {
        Ok(())
    }
}

pub(super) fn rsa_bits(key: &impl PublicKeyParts) -> u32 {
    u32::try_from(key.n().bits()).expect("sizes were checked to be at most 8192 bits")
}

fn spki_pem(
    oid: ObjectIdentifier,
    parameters: Option<ObjectIdentifier>,
    bytes: &[u8],
) -> rsa::pkcs8::spki::Result<String> {
    let spki = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid,
            parameters: parameters.as_ref().map(Into::into),
        },
        subject_public_key: BitStringRef::new(0, bytes)?,
    };
    let der = rsa::pkcs8::Document::try_from(spki.to_der()?)?;
    Ok(der.to_pem("PUBLIC KEY", LineEnding::LF)?)
}
