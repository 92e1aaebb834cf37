//! The one map from this crate's errors to the port's. Nothing here changes anything outside, so the effect is always
//! known to be none.

use keywheel_domain::ports::{ErrorKind, PortError};

use crate::key::KeyError;
use crate::ring::{RingError, SignError};

impl From<KeyError> for PortError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Engine { .. } => Self::transient(ErrorKind::Internal, error.to_string()),
            _ => Self::permanent(ErrorKind::Invalid, error.to_string()),
        }
    }
}

/// What a verifier accepts cannot be seen. That is neither "accepted" nor "refused", whatever the reason, and it may
/// be another answer next time: a delivery may be under way.
impl From<RingError> for PortError {
    fn from(error: RingError) -> Self {
        let kind = match error {
            RingError::Read { .. } | RingError::Unsettled { .. } => ErrorKind::Unavailable,
            RingError::TooLarge { .. }
            | RingError::Manifest { .. }
            | RingError::Contradiction { .. }
            | RingError::Key { .. }
            | RingError::Jwks { .. }
            | RingError::OtherKey { .. }
            | RingError::OtherCredential { .. } => ErrorKind::Storage,
        };
        Self::transient(kind, error.chain())
    }
}

impl From<SignError> for PortError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Key(error) => error.into(),
            defect => Self::permanent(ErrorKind::Internal, "the probe token could not be signed").caused_by(defect),
        }
    }
}
