use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use thiserror::Error;

use super::set::{KeySet, Tally};
use crate::key::{KeyError, PrivateKey};

/// Why a token was not signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The ring has no private key for its primary.
    #[error(
        "this ring only verifies: its folder has no private key for the primary; deliver the signer's set to this application"
    )]
    VerifierOnly,
    /// The claims are not a JSON object.
    #[error("claims must be a JSON object (RFC 7519 section 4)")]
    NotAnObject,
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The engine failed.
    #[error("the token could not be signed")]
    Key(#[from] KeyError),
}

/// The primary's private key, parsed once: parsing it at every signature would cost a third of the speed.
pub(super) struct Signer {
    key: PrivateKey,
    /// The header is the same for every token, so it is encoded once.
    header: String,
    tally: Arc<Tally>,
}

impl Signer {
    pub(super) fn new(key: PrivateKey, tally: Arc<Tally>) -> Self {
        let header = encoded_header(&key);
        Self { key, header, tally }
    }
}

impl KeySet {
    pub(crate) fn sign<C: Serialize>(&self, claims: &C) -> Result<String, SignError> {
        let signer = self.signer.as_ref().ok_or(SignError::VerifierOnly)?;
        let token = sign_with(&signer.key, &signer.header, claims)?;
        signer.tally.signed.add_one();
        Ok(token)
    }
}

/// A token signed with a key that is in no ring.
pub(crate) fn sign_once<C: Serialize>(key: &PrivateKey, claims: &C) -> Result<String, SignError> {
    sign_with(key, &encoded_header(key), claims)
}

/// Neither name can contain a character that JSON would escape.
fn encoded_header(key: &PrivateKey) -> String {
    let header = format!(
        r#"{{"typ":"JWT","alg":"{}","kid":"{}"}}"#,
        key.algorithm(),
        key.public().kid()
    );
    URL_SAFE_NO_PAD.encode(header)
}

/// RFC 7515 section 5.1, compact serialization.
fn sign_with<C: Serialize>(key: &PrivateKey, header: &str, claims: &C) -> Result<String, SignError> {
    let claims = serde_json::to_vec(claims)?;
    if claims.first() != Some(&b'{') {
        return Err(SignError::NotAnObject);
    }
    let mut token = String::with_capacity(header.len() + 2 * claims.len() + 700);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
