//! The backends of one credential.

use std::sync::Arc;

use keywheel_domain::plan::Shape;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Archive, HealthProbe, Issuer, Notifier, SecretStore, Workload};

/// The backends of one credential, and its owner's rules.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// What kind of credential it is, as the audit log names it: `jwt_signing_key`.
    pub kind: String,
    /// The owner's rules.
    pub policy: Policy,
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

impl Wiring {
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
