//! Stores, workloads, probes, notifiers and archives behind the gate.

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{CredentialName, RotationId, VersionId};
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{
    Archive, Delivery, Finding, HealthProbe, Notice, Notifier, PortError, Sample, SealedMaterial, SecretStore, Usage,
    Verdict, VersionMaterial, Workload, WorkloadReport,
};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use super::{Class, Faulty};

#[async_trait]
impl SecretStore for Faulty<dyn SecretStore> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.gate
            .pass(("store", "preflight", Class::Looks), None, self.inner.preflight())
            .await
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let primary = delivery.version(delivery.view.primary);
        let gossip = primary
            .and_then(|version| version.material.get("secret"))
            .and_then(Secret::expose_text);
        let call = self.inner.deliver(delivery, expected);
        self.gate.pass(("store", "deliver", Class::Changes), gossip, call).await
    }

    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        let call = self.inner.read_back(credential);
        self.gate.pass(("store", "read_back", Class::Looks), None, call).await
    }
}

#[async_trait]
impl Workload for Faulty<dyn Workload> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.gate
            .pass(("workload", "preflight", Class::Looks), None, self.inner.preflight())
            .await
    }

    async fn roll_out(
        &self,
        rotation: &RotationId,
        credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError> {
        let call = self.inner.roll_out(rotation, credential, view);
        self.gate
            .pass(("workload", "roll_out", Class::Changes), None, call)
            .await
    }

    async fn report(&self, credential: &CredentialName) -> Result<WorkloadReport, PortError> {
        let call = self.inner.report(credential);
        self.gate.pass(("workload", "report", Class::Looks), None, call).await
    }

    async fn usage(&self, id: &VersionId, attributes: &Attributes) -> Result<Usage, PortError> {
        let call = self.inner.usage(id, attributes);
        self.gate.pass(("workload", "usage", Class::Looks), None, call).await
    }
}

#[async_trait]
impl HealthProbe for Faulty<dyn HealthProbe> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn sample(&self, began: Option<Timestamp>) -> Sample {
        let call = async { Ok::<_, PortError>(self.inner.sample(began).await) };
        let sample = self.gate.pass(("probe", "sample", Class::Samples), None, call).await;
        sample.unwrap_or_else(|error| Sample {
            verdict: Verdict::Unknown(error.chain()),
            evidence: Vec::new(),
        })
    }
}

#[async_trait]
impl Notifier for Faulty<dyn Notifier> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn tell(&self, notice: &Notice) -> Result<(), PortError> {
        self.gate
            .pass(("notifier", "tell", Class::Changes), None, self.inner.tell(notice))
            .await
    }

    async fn close(&self, notice: &Notice) -> Result<(), PortError> {
        self.gate
            .pass(("notifier", "close", Class::Changes), None, self.inner.close(notice))
            .await
    }
}

#[async_trait]
impl Archive for Faulty<dyn Archive> {
    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.gate
            .pass(("archive", "preflight", Class::Looks), None, self.inner.preflight())
            .await
    }

    async fn archive(&self, version: &VersionMaterial, sealed: &SealedMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.archive(version, sealed);
        self.gate.pass(("archive", "archive", Class::Changes), None, call).await
    }

    async fn fetch(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        self.gate
            .pass(("archive", "fetch", Class::Looks), None, self.inner.fetch(id))
            .await
    }
}
