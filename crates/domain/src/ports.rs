//! The traits through which the outside world is reached. A method's doc comment is its contract; each port has one contract
//! suite in `keywheel-testkit`, passed by its fake and by every real adapter.

mod archive;
mod audit_log;
mod clock;
mod entropy;
mod error;
mod health_probe;
mod issuer;
mod journal;
mod key_provider;
mod material_store;
mod notifier;
mod secret_source;
mod secret_store;
mod workload;

pub use archive::Archive;
pub use audit_log::AuditLog;
pub use clock::Clock;
pub use entropy::Entropy;
pub use error::{Effect, ErrorKind, PortError, Retry};
pub use health_probe::HealthProbe;
pub use issuer::{Finding, Held, Issuer, IssuerCapabilities, MintRequest, Severity, Usage, VersionMaterial};
pub use journal::{Append, Due, Journal, JournalError, Lease, NewRotation};
pub use key_provider::KeyProvider;
pub use material_store::{MaterialStore, SealedMaterial};
pub use notifier::{Notice, Notifier};
pub use secret_source::SecretSource;
pub use secret_store::{Delivery, SecretStore};
pub use workload::{Instance, Workload, WorkloadReport};

use crate::evidence::{Evidence, EvidenceKind};

/// What one look at the world says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Healthy,
    /// It is not; and why.
    Unhealthy(String),
    /// Nobody can tell; and why. It holds a rotation and never passes.
    Unknown(String),
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What was seen.
    pub verdict: Verdict,
    /// The facts.
    pub evidence: Vec<Evidence>,
}

impl Sample {
    /// One look of a probe with its one fact. `healthy` is what was seen where all is well; of anything else the verdict says why.
    pub fn of_health(probe: &str, verdict: Verdict, healthy: &str) -> Self {
        let detail = match &verdict {
            Verdict::Healthy => healthy.to_owned(),
            Verdict::Unhealthy(why) => format!("unhealthy: {why}"),
            Verdict::Unknown(why) => format!("unknown: {why}"),
        };
        let evidence = vec![Evidence::new(EvidenceKind::Health, probe, detail)];
        Self { verdict, evidence }
    }
}
