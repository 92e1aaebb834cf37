//! Is the current version accepted, is the previous one dead?

use keywheel_domain::id::{CredentialName, VersionNumber};
use keywheel_domain::ports::ErrorKind;
use keywheel_domain::version::{Version, VersionStatus};

use crate::error::AppError;
use crate::facade::Keywheel;

/// What one try showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// It is as it should be, and what was seen.
    AsExpected(String),
    /// It is not: the current version is refused, or an ended one accepted.
    Wrong(String),
    /// Nobody could tell.
    Unknown(String),
}

/// One version that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which version.
    pub version: VersionNumber,
    /// Where it stands.
    pub status: VersionStatus,
    /// What the try showed.
    pub verification: Verification,
}

impl Keywheel {
    /// Tries every version whose material is still kept: the current one must be accepted, ended ones refused. While a rotation is
    /// under way both of its versions may be accepted, so the previous one is only tried after it.
    ///
    /// # Errors
    /// Where the credential is not adopted, or its material cannot be opened.
    pub async fn verify(&self, name: &CredentialName) -> Result<Vec<Check>, AppError> {
        let credential = self.adopted(name).await?;
        let mut checks = Vec::new();
        for version in &credential.versions {
            let tried = match version.status {
                VersionStatus::Current => true,
                VersionStatus::Retired | VersionStatus::Abandoned => credential.active.is_none(),
                VersionStatus::Pending | VersionStatus::Previous => false,
            };
            if tried && let Some(verification) = self.try_version(name, version).await? {
                checks.push(Check {
                    version: version.number,
                    status: version.status,
                    verification,
                });
            }
        }
        Ok(checks)
    }

    async fn try_version(&self, name: &CredentialName, version: &Version) -> Result<Option<Verification>, AppError> {
        let Some(material) = self.version(name, version).await? else {
            return Ok(None);
        };
        let issuer = &self.wiring(name)?.issuer;
        let (result, wrong) = match version.status {
            VersionStatus::Current => (issuer.prove(&material).await, ErrorKind::Refused),
            VersionStatus::Pending | VersionStatus::Previous | VersionStatus::Retired | VersionStatus::Abandoned => {
                (issuer.prove_dead(&material).await, ErrorKind::Conflict)
            }
        };
        Ok(Some(match result {
            Ok(evidence) => Verification::AsExpected(evidence.detail),
            Err(error) if error.kind == wrong => Verification::Wrong(error.chain()),
            Err(error) => Verification::Unknown(error.chain()),
        }))
    }
}
