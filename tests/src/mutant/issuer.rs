//! Drivers that treat the issuer wrongly.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::ports::{
    Entropy, Finding, Held, Issuer, IssuerCapabilities, MaterialStore, MintRequest, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;

/// What is wrong.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It retires every version that it has seen before, as soon as another one is staged.
    RetiresEarly,
    /// It takes what it is to retire for dead.
    RetiresNothing,
    /// It takes what it is to prove for working.
    ProvesNothing,
    /// It gives every attempt to mint another name.
    MintsBlindly,
    /// It destroys the kept material of what it has staged: who needs it now that the issuer has it?
    ForgetsEarly(Arc<dyn MaterialStore>),
}

/// A driver that does one thing wrong.
#[derive(Debug)]
pub(super) struct Broken {
    inner: Arc<dyn Issuer>,
    wrong: Wrong,
    seen: Mutex<Vec<VersionMaterial>>,
}

impl Broken {
    pub(super) fn new(inner: &Arc<dyn Issuer>, wrong: Wrong) -> Self {
        Self {
            inner: Arc::clone(inner),
            wrong,
            seen: Mutex::default(),
        }
    }

    async fn after_stage(&self, staged: &VersionMaterial) -> Result<(), PortError> {
        match &self.wrong {
            Wrong::RetiresEarly => {
                let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
                for old in seen.iter().filter(|old| old.id != staged.id) {
                    self.inner.retire(old).await?;
                }
                Ok(())
            }
            Wrong::ForgetsEarly(materials) => materials.destroy(&staged.id).await,
            Wrong::RetiresNothing | Wrong::ProvesNothing | Wrong::MintsBlindly => Ok(()),
        }
    }

    fn remember(&self, version: &VersionMaterial) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(version.clone());
    }
}

fn believed(version: &VersionMaterial) -> Evidence {
    Evidence::new(EvidenceKind::Changed, version.id.to_string(), "surely")
}

#[async_trait]
impl Issuer for Broken {
    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let evidence = self.inner.stage(version).await?;
        self.after_stage(version).await?;
        Ok(evidence)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Material, PortError> {
        let mut request = request.clone();
        if matches!(self.wrong, Wrong::MintsBlindly) {
            let held = self.inner.inventory().await?;
            request.name = format!("{}-attempt-{}", request.name, held.len());
        }
        self.inner.mint(&request).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.remember(version);
        match self.wrong {
            Wrong::ProvesNothing => Ok(believed(version)),
            _ => self.inner.prove(version).await,
        }
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.wrong {
            Wrong::RetiresNothing => Ok(believed(version)),
            _ => self.inner.retire(version).await,
        }
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.wrong {
            Wrong::RetiresNothing => Ok(believed(version)),
            _ => self.inner.prove_dead(version).await,
        }
    }

    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        self.inner.describe(material)
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        self.inner.preflight(current).await
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        self.inner.generate(id, current, entropy).await
    }

    async fn sweep(&self, request: &MintRequest) -> Result<Evidence, PortError> {
        self.inner.sweep(request).await
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.replace(version).await
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.suspend(version).await
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.reinstate(version).await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        self.inner.usage(version, switched).await
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.inner.inventory().await
    }
}
