//! What can go wrong above the ports.

use jiff::Timestamp;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::material::MalformedMaterial;
use keywheel_domain::plan::PlanError;
use keywheel_domain::ports::{JournalError, PortError};
use keywheel_domain::rotation::IllegalEntry;

/// Why something was not done. Messages say what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// No such credential is configured.
    #[error("no credential {0} is configured; `keywheel list` shows those that are")]
    UnknownCredential(CredentialName),
    /// Its backends could not be built.
    #[error("{credential} cannot be used: {problem}")]
    Unusable {
        /// The credential.
        credential: CredentialName,
        /// Why, and what to do.
        problem: String,
    },
    /// It is configured and was never taken over.
    #[error("{0} is not adopted yet; run `keywheel adopt {0}` first")]
    NotAdopted(CredentialName),
    /// It was taken over before.
    #[error("{0} is adopted already; `keywheel rotate {0}` gives it a new version")]
    AlreadyAdopted(CredentialName),
    /// The journal has no such rotation.
    #[error("there is no rotation {0}; `keywheel history` shows those that there are")]
    UnknownRotation(RotationId),
    /// The credential has no rotation that is under way.
    #[error("no rotation of {0} is under way; `keywheel history {0}` shows the ones that ended")]
    NothingActive(CredentialName),
    /// There is no safe plan.
    #[error("there is no safe plan for {credential}")]
    NoPlan {
        /// The credential.
        credential: CredentialName,
        /// The counter-example, or what contradicts itself.
        #[source]
        source: PlanError,
    },
    /// What was asked is not possible where the rotation stands.
    #[error("the rotation cannot do that where it stands")]
    NotNow(#[source] IllegalEntry),
    /// The journal does not replay.
    #[error("the journal of rotation {rotation} is damaged; restore the state file from its backup")]
    Damaged {
        /// The rotation.
        rotation: RotationId,
        /// The entry that does not fit.
        #[source]
        source: IllegalEntry,
    },
    /// The wall clock is far behind what was journaled.
    #[error("the clock says {now}, but the journal of this rotation goes to {last}; set the clock right, then resume")]
    ClockWentBack {
        /// What the clock says.
        now: Timestamp,
        /// The last entry's time.
        last: Timestamp,
    },
    /// Somebody who may not approve tried to.
    #[error("{who} may not approve this: {why}")]
    MayNotApprove {
        /// Who tried.
        who: String,
        /// Why not.
        why: String,
    },
    /// The sealed material of a version is missing.
    #[error("the material of {0} is not in the material store; restore the state file from its backup")]
    NoMaterial(String),
    /// Opened material was not what was sealed.
    #[error(transparent)]
    Malformed(#[from] MalformedMaterial),
    /// The journal said no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A backend failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl From<AppError> for PortError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Port(error) => error,
            AppError::Journal(error) => error.into(),
            other => Self::permanent(keywheel_domain::ports::ErrorKind::Invalid, other.to_string()),
        }
    }
}
