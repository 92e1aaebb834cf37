use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::set::{KeySet, VerifyingKey};
use super::{Checks, Refusal};
use crate::jwk::Kid;

/// Headers are a hundred bytes; one of this length is somebody's attempt to keep us busy.
const HEADER_LIMIT: usize = 16 * 1024;

/// A token that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<C> {
    /// Its claims.
    pub claims: C,
    /// The key that signed it.
    pub kid: Kid,
}

/// What decides about the key, of the header (RFC 7515 section 4.1). `jsonwebtoken` reads the same bytes again.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl KeySet {
    /// The claims of a token and the key that signed it.
    pub(crate) fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        checks: &Checks,
    ) -> Result<(C, &VerifyingKey), Refusal> {
        let encoded = token.split_once('.').ok_or(Refusal::Malformed)?.0;
        if encoded.len() > HEADER_LIMIT {
            return Err(Refusal::Malformed);
        }
        let decoded = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refusal::Malformed)?;
        let header: Header<'_> = serde_json::from_slice(&decoded).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::UnknownExtension);
        }
        match &header.kid {
            Some(kid) => match self.find(kid) {
                Some(key) if key.algorithm.name() == header.alg => key.verify(token, checks),
                Some(_) => Err(Refusal::WrongAlgorithm),
                None => {
                    if let Some(tally) = self.tally(kid) {
                        tally.too_late.add_one();
                    }
                    Err(Refusal::UnknownKid)
                }
            },
            None => self.verify_with_any(token, &header.alg, checks),
        }
    }

    /// Tokens of issuers that never named their key. Work grows with the number of keys, which a `kid` avoids.
    fn verify_with_any<C: DeserializeOwned>(
        &self,
        token: &str,
        algorithm: &str,
        checks: &Checks,
    ) -> Result<(C, &VerifyingKey), Refusal> {
        let mut verdict = Err(Refusal::WrongAlgorithm);
        for key in self.keys().iter().filter(|key| key.algorithm.name() == algorithm) {
            match key.verify(token, checks) {
                Err(Refusal::BadSignature) => verdict = Err(Refusal::BadSignature),
                // Any other refusal is about the claims, after the signature was found to be this key's.
                decided => return decided,
            }
        }
        verdict
    }
}

impl VerifyingKey {
    fn verify<C: DeserializeOwned>(&self, token: &str, checks: &Checks) -> Result<(C, &Self), Refusal> {
        let token = jsonwebtoken::decode::<C>(token, &self.decoding, checks.under(self.algorithm))?;
        Ok((token.claims, self))
    }
}
