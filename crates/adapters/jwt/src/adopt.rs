//! Adoption of key files that somebody made by hand, such as the `jwt_private.pem` of `openssl genrsa`.

use zeroize::Zeroizing;

use crate::jwk::Kid;
use crate::key::{Algorithm, KeyError, PrivateKey, PublicKey};

/// An existing key in the form in which Keywheel keeps and delivers it.
#[derive(Debug)]
pub struct Adopted {
    /// The private key as PKCS#8 PEM, wiped on drop.
    pub private_pem: Zeroizing<String>,
    /// The public key as SPKI PEM.
    pub public_pem: String,
    /// Its RFC 7638 name.
    pub kid: Kid,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Bits of the modulus, or 256 for the two curves.
    pub bits: u32,
}

/// Reads an existing pair. Nothing is written; doing it twice gives the same.
///
/// The private key may be PKCS#1, PKCS#8 or SEC1; the public key PKCS#1 or SPKI. Without an `algorithm` the usual
/// one of the key's kind is taken. `minimum_bits` is the smallest RSA modulus that the policy allows.
///
/// # Errors
/// [`KeyError`] for a file that is damaged, protected by a passphrase, too small or of another kind, and for a public
/// file that does not belong to the private one.
pub fn adopt(
    private_pem: &[u8],
    public_pem: Option<&[u8]>,
    algorithm: Option<Algorithm>,
    minimum_bits: u32,
) -> Result<Adopted, KeyError> {
    let private = PrivateKey::from_pem(private_pem, algorithm, minimum_bits)?;
    if let Some(pem) = public_pem {
        private.belongs_to(&PublicKey::from_pem(pem)?)?;
    }
    Ok(Adopted {
        private_pem: private.to_pkcs8_pem()?,
        public_pem: private.public().to_spki_pem(),
        kid: private.public().kid().clone(),
        algorithm: private.algorithm(),
        bits: private.public().bits(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pkcs1_pem, quick_keys, rsa_key};

    fn adopt_rsa(public: Option<&str>) -> Result<Adopted, KeyError> {
        adopt(pkcs1_pem(rsa_key()).as_bytes(), public.map(str::as_bytes), None, 2048)
    }

    #[test]
    fn an_old_pair_becomes_pkcs8_and_spki_of_the_same_key() {
        let public = rsa_key().public().to_spki_pem();
        let adopted = adopt_rsa(Some(&public)).unwrap();
        assert_eq!((adopted.algorithm, adopted.bits), (Algorithm::Rs256, 2048));
        assert_eq!(&adopted.kid, rsa_key().public().kid());
        assert_eq!(adopted.private_pem, rsa_key().to_pkcs8_pem().unwrap());
        assert_eq!(adopted.public_pem, public);
    }

    #[test]
    fn adopting_what_was_adopted_changes_nothing() {
        let once = adopt_rsa(None).unwrap();
        let (private, public) = (once.private_pem.as_bytes(), once.public_pem.as_bytes());
        let twice = adopt(private, Some(public), Some(once.algorithm), 2048).unwrap();
        assert_eq!(
            (twice.private_pem, twice.public_pem),
            (once.private_pem.clone(), once.public_pem.clone())
        );
    }

    #[test]
    fn a_public_file_of_another_key_is_refused_with_both_names() {
        let other = &quick_keys()[0];
        let refused = adopt_rsa(Some(&other.public().to_spki_pem())).unwrap_err();
        let (public, private) = (other.public().kid().to_string(), rsa_key().public().kid().to_string());
        assert_eq!(refused, KeyError::PairMismatch { public, private });
    }
}
