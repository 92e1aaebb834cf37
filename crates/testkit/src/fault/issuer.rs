//! An issuer behind the gate.

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::VersionId;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{
    Entropy, Finding, Held, Issuer, IssuerCapabilities, MintRequest, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;

use super::{Class, Faulty};

/// What a careless backend repeats in its errors.
fn gossip(version: &VersionMaterial) -> Option<&str> {
    version.material.get("secret").and_then(Secret::expose_text)
}

#[async_trait]
impl Issuer for Faulty<dyn Issuer> {
    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        let call = self.inner.preflight(current);
        self.gate
            .pass(("issuer", "preflight", Class::Looks), current.and_then(gossip), call)
            .await
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        let call = self.inner.generate(id, current, entropy);
        self.gate.pass(("issuer", "generate", Class::Looks), None, call).await
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        self.inner.describe(material)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Material, PortError> {
        self.gate
            .pass(("issuer", "mint", Class::Changes), None, self.inner.mint(request))
            .await
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.stage(version);
        self.gate
            .pass(("issuer", "stage", Class::Changes), gossip(version), call)
            .await
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.replace(version);
        self.gate
            .pass(("issuer", "replace", Class::Changes), gossip(version), call)
            .await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.prove(version);
        self.gate
            .pass(("issuer", "prove", Class::Looks), gossip(version), call)
            .await
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.prove_dead(version);
        self.gate
            .pass(("issuer", "prove_dead", Class::Looks), gossip(version), call)
            .await
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.suspend(version);
        self.gate
            .pass(("issuer", "suspend", Class::Changes), gossip(version), call)
            .await
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.reinstate(version);
        self.gate
            .pass(("issuer", "reinstate", Class::Changes), gossip(version), call)
            .await
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let call = self.inner.retire(version);
        self.gate
            .pass(("issuer", "retire", Class::Changes), gossip(version), call)
            .await
    }

    async fn sweep(&self, request: &MintRequest) -> Result<Evidence, PortError> {
        self.gate
            .pass(("issuer", "sweep", Class::Changes), None, self.inner.sweep(request))
            .await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        let call = self.inner.usage(version, switched);
        self.gate
            .pass(("issuer", "usage", Class::Looks), gossip(version), call)
            .await
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.gate
            .pass(("issuer", "inventory", Class::Looks), None, self.inner.inventory())
            .await
    }
}
