//! What consumes a credential and must pick a new version up.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Finding, PortError, Usage};
use crate::evidence::Evidence;
use crate::id::{CredentialName, Revision, RotationId, VersionId};
use crate::version::Attributes;
use crate::view::View;

/// One running instance of a workload, and the delivery that it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name: a pod, a process, a host.
    pub name: String,
    /// The revision of the view that it says it runs; `None` where it does not say.
    pub revision: Option<Revision>,
    /// How that is known, for people.
    pub detail: String,
}

/// What a workload's instances run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkloadReport {
    /// Every instance that exists, old ones that are still ending included.
    Instances(Vec<Instance>),
    /// This workload cannot be asked; a delivery is taken as picked up once the policy's `adopt_within` has passed. Says why.
    Untold(String),
}

/// What consumes a credential: a Deployment, a process, a command.
#[async_trait]
pub trait Workload: Send + Sync + Debug {
    /// The workload's name for people.
    fn name(&self) -> &str;

    /// Looks at whether a roll-out would work. Changes nothing.
    async fn preflight(&self) -> Result<Vec<Finding>, PortError>;

    /// Has every instance pick the view up. Returns when that was asked for, not when it happened. Idempotent: a view that was
    /// rolled out already may be rolled out again. `rotation` is for labels and logs.
    async fn roll_out(
        &self,
        rotation: &RotationId,
        credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError>;

    /// Which delivery each instance runs.
    async fn report(&self, credential: &CredentialName) -> Result<WorkloadReport, PortError>;

    /// Who uses a version, as the instances count it; `attributes` names it (a key id).
    async fn usage(&self, _id: &VersionId, _attributes: &Attributes) -> Result<Usage, PortError> {
        Ok(Usage::Untold)
    }
}
