//! The authority that accepts or refuses a version.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entropy, ErrorKind, PortError, Retry};
use crate::evidence::Evidence;
use crate::id::VersionId;
use crate::material::Material;
use crate::plan::{MintedBy, Overlap};
use crate::version::Attributes;

/// What an issuer can do. It decides which plan a credential gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerCapabilities {
    /// How versions overlap.
    pub overlap: Overlap,
    /// Who makes the material.
    pub minted_by: MintedBy,
    /// Whether [`Issuer::suspend`] and [`Issuer::reinstate`] exist.
    pub can_suspend: bool,
}

/// A version with its material: what a login needs.
#[derive(Debug, Clone)]
pub struct VersionMaterial {
    /// Which version.
    pub id: VersionId,
    /// Its secret fields.
    pub material: Material,
    /// What is public about it.
    pub attributes: Attributes,
}

/// What an authority is asked to make.
#[derive(Debug, Clone)]
pub struct MintRequest {
    /// Which version it is for.
    pub id: VersionId,
    /// A name that no other attempt of any rotation uses, and that every attempt for this version uses.
    pub name: String,
    /// The ids of everything that existed before the first attempt.
    pub existed_before: Vec<String>,
}

/// A version that an authority holds, as its inventory names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The authority's own id of it.
    pub id: String,
    /// The name it was given, where the authority keeps names.
    pub name: Option<String>,
}

/// Whether anybody still uses a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// Nobody was seen using it, and the source can tell; with its resolution and blind spots.
    Unused(Vec<Evidence>),
    /// These were.
    InUse(Vec<Evidence>),
    /// This backend cannot tell.
    Untold,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is as it should be.
    Fine,
    /// It works, but somebody should know.
    Warning,
    /// A rotation must not start.
    Blocker,
}

/// What a preflight found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at.
    pub subject: String,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty where nothing is to do.
    pub fix: String,
    /// Whether it may pass without anybody's doing: a rotation then looks again, and else goes back at once.
    pub may_pass: bool,
}

impl Finding {
    /// Something that is as it should be.
    pub fn fine(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fine,
            subject: subject.into(),
            detail: detail.into(),
            fix: String::new(),
            may_pass: false,
        }
    }

    /// Something that stops a rotation until somebody mends it, and how.
    pub fn blocker(subject: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            severity: Severity::Blocker,
            subject: subject.into(),
            detail: detail.into(),
            fix: fix.into(),
            may_pass: false,
        }
    }

    /// Something that could not be looked at, which stops a rotation as well. It may pass where the error may.
    pub fn failure(subject: impl Into<String>, error: &PortError, fix: impl Into<String>) -> Self {
        Self {
            may_pass: error.retry != Retry::Never,
            ..Self::blocker(subject, error.chain(), fix)
        }
    }

    /// Something that somebody should know, and how to mend it.
    pub fn warning(subject: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::blocker(subject, detail, fix)
        }
    }
}

/// The authority that accepts or refuses a version: a database role, a cache's user, a set of token verifiers.
///
/// Every change is level-triggered: doing it twice is doing it once, and a call that timed out may be repeated. Where a
/// version does not exist any more, `suspend` and `retire` succeed.
#[async_trait]
pub trait Issuer: Send + Sync + Debug {
    /// What this issuer can do. Never changes while the process runs.
    fn capabilities(&self) -> IssuerCapabilities;

    /// Looks at everything that a rotation will need: reachability, rights, room, orphans. Changes nothing.
    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError>;

    /// Makes the material of a version. Only where [`MintedBy::Us`]; no outside effect, so it may be repeated, but the
    /// caller keeps the first result.
    ///
    /// `current` is what is public about the version that consumers present now, `None` where there is none: the new one must
    /// not take a name that only one of them can have.
    async fn generate(
        &self,
        _id: &VersionId,
        _current: Option<&Attributes>,
        _entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        Err(unsupported("generate"))
    }

    /// What is public about a material: key ids, names. The same material gives the same attributes, always.
    ///
    /// # Errors
    /// `Invalid` where the material is not one of this issuer's.
    fn describe(&self, material: &Material) -> Result<Attributes, PortError>;

    /// Has the authority make the material. Only where [`MintedBy::Authority`].
    ///
    /// Before it makes anything it looks for what an earlier attempt of the same name left behind and deletes it, because
    /// its secret was shown once and is lost. What is in `existed_before` is never touched.
    async fn mint(&self, _request: &MintRequest) -> Result<Material, PortError> {
        Err(unsupported("mint"))
    }

    /// Accepts the version beside what is accepted already.
    async fn stage(&self, _version: &VersionMaterial) -> Result<Evidence, PortError> {
        Err(unsupported("stage"))
    }

    /// Accepts the version instead of any other. Only where [`Overlap::OneVersion`].
    async fn replace(&self, _version: &VersionMaterial) -> Result<Evidence, PortError> {
        Err(unsupported("replace"))
    }

    /// Authenticates with the version and does what a consumer does.
    ///
    /// # Errors
    /// `Refused` only where an acceptor answered and said no. Anything else (no connection, no answer) is not a refusal.
    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError>;

    /// Authenticates with the version and must be refused by every acceptor.
    ///
    /// # Errors
    /// `Conflict` where some acceptor still accepts it. No answer is neither: `Unavailable` or `TimedOut`.
    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError>;

    /// Refuses the version, in a way that [`Issuer::reinstate`] undoes.
    async fn suspend(&self, _version: &VersionMaterial) -> Result<Evidence, PortError> {
        Err(unsupported("suspend"))
    }

    /// Accepts a suspended version again.
    async fn reinstate(&self, _version: &VersionMaterial) -> Result<Evidence, PortError> {
        Err(unsupported("reinstate"))
    }

    /// Destroys the version for good.
    async fn retire(&self, _version: &VersionMaterial) -> Result<Evidence, PortError> {
        Err(unsupported("retire"))
    }

    /// Deletes what attempts to mint under that name left behind, their secrets being lost or unwanted. Only where
    /// [`MintedBy::Authority`]. What is in `existed_before` is never touched; where nothing is left it succeeds.
    async fn sweep(&self, _request: &MintRequest) -> Result<Evidence, PortError> {
        Err(unsupported("sweep"))
    }

    /// Who uses the version, as far as this issuer can tell. `switched` is when the stores began to show another version in its
    /// place: where an issuer cannot tell versions apart, what was opened before that uses this one.
    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError>;

    /// Everything that the authority holds for this credential, ours or not.
    async fn inventory(&self) -> Result<Vec<Held>, PortError>;
}

fn unsupported(what: &str) -> PortError {
    PortError::permanent(
        ErrorKind::Unsupported,
        format!(
            "this issuer cannot {what}; its capabilities and its plan disagree, which is a defect: please report it"
        ),
    )
}
