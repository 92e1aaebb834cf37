use std::collections::BTreeMap;

use jsonwebtoken::errors::{Error, ErrorKind};
use thiserror::Error as ThisError;

use super::set::Count;

/// Why a token was refused. No part of the token is quoted.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Refusal {
    /// Not three parts of base64url with a JSON header.
    #[error("this is not a signed token")]
    Malformed,
    /// The token names a key that the ring does not have.
    #[error("no accepted key has the token's kid")]
    UnknownKid,
    /// Another algorithm than the key's own, or one that is never accepted (`none`, HMAC).
    #[error("the token's algorithm is not the one of its key")]
    WrongAlgorithm,
    /// The header demands an extension (`crit`, RFC 7515 section 4.1.11).
    #[error("the token demands an extension that is not supported")]
    UnknownExtension,
    /// The signature is not of the key that the token names, or, without a `kid`, of any accepted key.
    #[error("the signature is wrong")]
    BadSignature,
    /// `exp` is in the past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `aud` names somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `iss` is somebody else.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// `sub` is somebody else.
    #[error("the token is about another subject")]
    WrongSubject,
    /// A claim that the checks demand is missing.
    #[error("the token lacks the claim `{claim}`")]
    MissingClaim {
        /// Its name.
        claim: String,
    },
    /// The claims cannot be read into the application's type.
    #[error("the token's claims cannot be read")]
    BadClaims {
        /// Why.
        source: Error,
    },
}

/// A [`Refusal`] without its details, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is documented at the refusal of the same name")]
pub enum Reason {
    Malformed,
    UnknownKid,
    WrongAlgorithm,
    UnknownExtension,
    BadSignature,
    Expired,
    NotYetValid,
    WrongAudience,
    WrongIssuer,
    WrongSubject,
    MissingClaim,
    BadClaims,
}

impl Reason {
    /// Every reason, in the order of its declaration.
    pub const ALL: [Self; 12] = [
        Self::Malformed,
        Self::UnknownKid,
        Self::WrongAlgorithm,
        Self::UnknownExtension,
        Self::BadSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::WrongSubject,
        Self::MissingClaim,
        Self::BadClaims,
    ];

    /// Its name in reports and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKid => "unknown_kid",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::UnknownExtension => "unknown_extension",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongAudience => "wrong_audience",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongSubject => "wrong_subject",
            Self::MissingClaim => "missing_claim",
            Self::BadClaims => "bad_claims",
        }
    }
}

impl Refusal {
    /// The reason alone.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed => Reason::Malformed,
            Self::UnknownKid => Reason::UnknownKid,
            Self::WrongAlgorithm => Reason::WrongAlgorithm,
            Self::UnknownExtension => Reason::UnknownExtension,
            Self::BadSignature => Reason::BadSignature,
            Self::Expired => Reason::Expired,
            Self::NotYetValid => Reason::NotYetValid,
            Self::WrongAudience => Reason::WrongAudience,
            Self::WrongIssuer => Reason::WrongIssuer,
            Self::WrongSubject => Reason::WrongSubject,
            Self::MissingClaim { .. } => Reason::MissingClaim,
            Self::BadClaims { .. } => Reason::BadClaims,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidAlgorithm => Self::WrongAlgorithm,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidSubject => Self::WrongSubject,
            ErrorKind::MissingRequiredClaim(claim) => Self::MissingClaim { claim: claim.clone() },
            ErrorKind::Json(_) | ErrorKind::InvalidClaimFormat(_) => Self::BadClaims { source: error },
            _ => Self::Malformed,
        }
    }
}

/// How many tokens were refused for which reason.
#[derive(Debug, Default)]
pub(super) struct Refusals([Count; Reason::ALL.len()]);

impl Refusals {
    pub(super) fn count(&self, reason: Reason) {
        self.0[reason as usize].add_one();
    }

    /// The reasons that occurred.
    pub(super) fn by_name(&self) -> BTreeMap<String, u64> {
        let counts = Reason::ALL
            .iter()
            .map(|reason| (reason.name().to_owned(), self.0[*reason as usize].get()));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
