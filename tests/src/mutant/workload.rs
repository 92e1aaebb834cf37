//! A driver that takes a roll-out for a convergence.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{CredentialName, Revision, RotationId, VersionId};
use keywheel_domain::ports::{Finding, PortError, Usage, Workload, WorkloadReport};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

/// Believes that every instance runs what was rolled out last.
#[derive(Debug)]
pub(super) struct Trusting {
    inner: Arc<dyn Workload>,
    last: Mutex<Option<Revision>>,
}

impl Trusting {
    pub(super) fn new(inner: &Arc<dyn Workload>) -> Self {
        let inner = Arc::clone(inner);
        let last = Mutex::default();
        Self { inner, last }
    }
}

#[async_trait]
impl Workload for Trusting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.inner.preflight().await
    }

    async fn roll_out(
        &self,
        rotation: &RotationId,
        credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError> {
        let evidence = self.inner.roll_out(rotation, credential, view).await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(view.revision);
        Ok(evidence)
    }

    async fn report(&self, credential: &CredentialName) -> Result<WorkloadReport, PortError> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match self.inner.report(credential).await? {
            WorkloadReport::Instances(mut instances) => {
                instances
                    .iter_mut()
                    .for_each(|instance| instance.revision = last.or(instance.revision));
                WorkloadReport::Instances(instances)
            }
            untold => untold,
        })
    }

    async fn usage(&self, _id: &VersionId, _attributes: &Attributes) -> Result<Usage, PortError> {
        Ok(Usage::Untold)
    }
}
