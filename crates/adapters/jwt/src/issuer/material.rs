use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{ErrorKind, PortError};
use keywheel_domain::version::Attributes;
use zeroize::Zeroizing;

use crate::jwk::Jwk;
use crate::key::{FLOOR_RSA_BITS, KeyError, PrivateKey};

/// The field of a version's material with the private key as PKCS#8 PEM.
pub const PRIVATE_PEM: &str = "private_pem";

/// The field of a version's material with the name of its algorithm. It is no secret, but an RSA key does not say
/// whether it is for RS256 or PS256, and the configuration may change while the key lives.
pub const ALGORITHM: &str = "algorithm";

/// What is sealed of a key.
pub(super) fn of(key: &PrivateKey) -> Result<Material, KeyError> {
    let pem = key.to_pkcs8_pem()?;
    let secret = |bytes: &[u8]| Secret::new(Zeroizing::new(bytes.to_vec()));
    let material = Material::single(PRIVATE_PEM, secret(pem.as_bytes()));
    Ok(material.with(ALGORITHM, secret(key.algorithm().name().as_bytes())))
}

/// The key in a material. Its size was judged when it was made or adopted.
pub(super) fn key(material: &Material) -> Result<PrivateKey, PortError> {
    let pem = material.get(PRIVATE_PEM).ok_or_else(|| {
        let message = format!("the material has no field `{PRIVATE_PEM}`, so it is none of a key ring: check its kind");
        PortError::permanent(ErrorKind::Invalid, message)
    })?;
    let algorithm = material
        .get(ALGORITHM)
        .and_then(Secret::expose_text)
        .map(str::parse)
        .transpose()?;
    Ok(PrivateKey::from_pem(pem.expose(), algorithm, FLOOR_RSA_BITS)?)
}

/// What is public about a key: its name, algorithm and size, and the public half as PEM and as JWK, for templates of
/// files that verifiers read.
pub(super) fn describe(material: &Material) -> Result<Attributes, PortError> {
    let key = key(material)?;
    let public = key.public();
    let jwk = serde_json::to_string(&Jwk::new(public, key.algorithm())).expect("a JWK consists of texts alone");
    let attributes = [
        ("kid", public.kid().to_string()),
        ("alg", key.algorithm().to_string()),
        ("bits", public.bits().to_string()),
        ("public_pem", public.to_spki_pem()),
        ("jwk", jwk),
    ];
    Ok(attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}
