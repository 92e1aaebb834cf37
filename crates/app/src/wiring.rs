//! The backends of one credential.

use std::sync::Arc;

use keywheel_domain::id::CredentialName;
use keywheel_domain::plan::Shape;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Archive, HealthProbe, Issuer, Notifier, SecretStore, Workload};
use keywheel_domain::schedule::Period;

use crate::error::AppError;

/// The backends of one credential, and its owner's rules.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// What kind of credential it is, as the audit log names it: `jwt_signing_key`.
    pub kind: String,
    /// The owner's rules.
    pub policy: Policy,
    /// What its backends have in common with those of other credentials and fail together with, by one name for all of them: the
    /// address of a server. A scheduler moves only so many rotations at one such place, so that a dead server holds up its own
    /// credentials and nobody else's. `None` where nothing is shared.
    pub bulkhead: Option<String>,
    /// Who accepts it.
    pub issuer: Arc<dyn Issuer>,
    /// Where consumers read it; every store shows the same view.
    pub stores: Vec<Arc<dyn SecretStore>>,
    /// Who consumes it.
    pub workloads: Vec<Arc<dyn Workload>>,
    /// What tells whether its consumers are well.
    pub probes: Vec<Arc<dyn HealthProbe>>,
    /// Who is told.
    pub notifiers: Vec<Arc<dyn Notifier>>,
    /// Where retired versions are put away.
    pub archive: Option<Arc<dyn Archive>>,
}

/// A credential that is configured and whose backends could not be built. What the journal knows of it is shown all the same.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// What kind of credential it is.
    pub kind: String,
    /// How often it is to be rotated.
    pub period: Period,
    /// Why its backends could not be built, and what to do.
    pub problem: String,
}

impl Unusable {
    pub(crate) fn error(&self, name: &CredentialName) -> AppError {
        AppError::Unusable {
            credential: name.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl Wiring {
    /// The backends of a credential that nothing but its issuer is known of; the others are filled in.
    pub fn new(kind: &str, policy: Policy, issuer: Arc<dyn Issuer>) -> Self {
        Self {
            kind: kind.to_owned(),
            policy,
            bulkhead: None,
            issuer,
            stores: Vec::new(),
            workloads: Vec::new(),
            probes: Vec::new(),
            notifiers: Vec::new(),
            archive: None,
        }
    }

    /// What of the backends decides how a plan looks.
    pub fn shape(&self) -> Shape {
        let capabilities = self.issuer.capabilities();
        Shape {
            overlap: capabilities.overlap,
            minted_by: capabilities.minted_by,
            can_suspend: capabilities.can_suspend,
            archived: self.archive.is_some(),
        }
    }
}
