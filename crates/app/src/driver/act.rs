//! What each step does, through the ports. Every arm is level-triggered: doing it twice is doing it once.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::plan::{Action, MintedBy};
use keywheel_domain::ports::{Delivery, ErrorKind, MintRequest, PortError, SecretStore, VersionMaterial};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use super::Driver;
use super::patience::within;
use crate::error::AppError;
use crate::health;

/// What a step leaves behind.
pub(super) struct StepDone {
    pub(super) evidence: Vec<Evidence>,
    pub(super) attributes: Attributes,
}

impl From<Vec<Evidence>> for StepDone {
    fn from(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            attributes: Attributes::new(),
        }
    }
}

impl From<Evidence> for StepDone {
    fn from(evidence: Evidence) -> Self {
        vec![evidence].into()
    }
}

impl Driver<'_> {
    /// Acts while the lease is renewed and the canary authenticates: during a step that takes long, and after one that may have
    /// changed what a login meets. What was before it is what was after the last one.
    pub(super) async fn act_while_watching(&self, action: &Action) -> Result<StepDone, PortError> {
        let changes_acceptance =
            action.has_effect() && !matches!(action, Action::Deliver { .. } | Action::RollOut { .. });
        if changes_acceptance {
            self.canary.unlearn();
        }
        let mut acting = pin!(self.carry_out(action));
        let result = loop {
            match select(acting, self.app.inner.ports.clock.sleep(self.tick())).await {
                Either::Left((result, _)) => break result,
                Either::Right(((), still_acting)) => acting = still_acting,
            }
            match select(acting, pin!(self.ledger.renew())).await {
                Either::Left((result, renewing)) => {
                    // Dropped half way, a renewal may have been granted while nobody heard the new token.
                    renewing.await;
                    break result;
                }
                Either::Right(((), still_acting)) => acting = still_acting,
            }
            match select(acting, pin!(self.sing())).await {
                Either::Left((result, _)) => break result,
                Either::Right(((), still_acting)) => acting = still_acting,
            }
        };
        if changes_acceptance {
            // What was accepted in the middle of it says nothing about its end.
            self.canary.unlearn();
        }
        if self.may_change_logins(action) {
            self.sing().await;
        }
        result
    }

    fn may_change_logins(&self, action: &Action) -> bool {
        let nobody_rolls = matches!(action, Action::RollOut { .. }) && self.wiring.workloads.is_empty();
        action.has_effect() && !nobody_rolls
    }

    async fn carry_out(&self, action: &Action) -> Result<StepDone, PortError> {
        let issuer = self.wiring.issuer.as_ref();
        let version = |number| self.version_of(number);
        match action {
            Action::Preflight => self.preflight().await,
            Action::Generate { version } => self.generate(*version).await,
            Action::Mint { version } => self.mint(*version).await,
            Action::Stage { version: v } => self.bounded(issuer.stage(&version(*v).await?)).await,
            Action::Replace { to, .. } => self.bounded(issuer.replace(&version(*to).await?)).await,
            Action::Prove { version: v } => self.prove(*v).await,
            Action::Suspend { version: v } => self.bounded(issuer.suspend(&version(*v).await?)).await,
            Action::Reinstate { version: v } => self.bounded(issuer.reinstate(&version(*v).await?)).await,
            Action::Retire { version } => self.retire(*version).await,
            Action::ProveDead { version } => self.prove_dead(*version).await,
            Action::Deliver { from, to } => self.deliver(from, to).await,
            Action::RollOut { view } => self.roll_out(view).await,
            Action::Archive { version } => self.archive(*version).await,
            Action::Close => self.close().await,
            Action::Approve
            | Action::Announce { .. }
            | Action::Converge { .. }
            | Action::Watch { .. }
            | Action::Drain { .. } => Err(PortError::permanent(
                ErrorKind::Internal,
                "a watched step was acted on, which is a defect: please report it",
            )),
        }
    }

    async fn bounded(
        &self,
        call: impl Future<Output = Result<Evidence, PortError>> + Send,
    ) -> Result<StepDone, PortError> {
        Ok(within(self.app, self.limit(), call).await?.into())
    }

    fn id_of(&self, number: VersionNumber) -> VersionId {
        VersionId {
            credential: self.rotation().credential().clone(),
            number,
        }
    }

    async fn version_of(&self, number: VersionNumber) -> Result<VersionMaterial, PortError> {
        self.required(&self.id_of(number)).await
    }

    /// The version with its material, which must be there.
    pub(super) async fn required(&self, id: &VersionId) -> Result<VersionMaterial, PortError> {
        let found = self.find(id).await?;
        found.ok_or_else(|| AppError::NoMaterial(id.to_string()).into())
    }

    /// The version with its material, where it is kept.
    pub(super) async fn find(&self, id: &VersionId) -> Result<Option<VersionMaterial>, PortError> {
        if let Some(known) = self.memory.get(id) {
            return Ok(Some(known));
        }
        let vault = self.app.vault();
        let look = async { vault.find(id).await.map_err(PortError::from) };
        let Some(material) = within(self.app, self.limit(), look).await? else {
            return Ok(None);
        };
        let attributes = self.wiring.issuer.describe(&material)?;
        let version = VersionMaterial {
            id: id.clone(),
            material,
            attributes,
        };
        self.memory.learn(version.clone());
        Ok(Some(version))
    }

    async fn generate(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let id = self.id_of(number);
        if self.find(&id).await?.is_none() {
            let entropy = self.app.inner.ports.entropy.clone();
            let material = within(
                self.app,
                self.limit(),
                self.wiring.issuer.generate(&id, self.presented_now(), entropy.as_ref()),
            )
            .await?;
            self.keep(&id, &material).await?;
        }
        self.sealed(&id).await
    }

    /// What is public about the version that consumers present before the switch.
    fn presented_now(&self) -> Option<&Attributes> {
        let old = self.rotation().plan().old();
        self.ledger.credential().version(old).map(|version| &version.attributes)
    }

    async fn mint(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let id = self.id_of(number);
        if self.find(&id).await?.is_none() {
            let Some(request) = self.mint_request(&id) else {
                let message = "what exists at the authority is not known yet";
                return Err(PortError::transient(ErrorKind::Unavailable, message));
            };
            let material = within(self.app, self.limit(), self.wiring.issuer.mint(&request)).await?;
            self.keep(&id, &material)
                .await
                .map_err(PortError::with_unknown_effect)?;
        }
        self.sealed(&id).await
    }

    async fn keep(&self, id: &VersionId, material: &keywheel_domain::material::Material) -> Result<(), PortError> {
        let vault = self.app.vault();
        let keep = async { vault.keep(id, material).await.map_err(PortError::from) };
        within(self.app, self.limit(), keep).await.map(drop)
    }

    async fn sealed(&self, id: &VersionId) -> Result<StepDone, PortError> {
        let version = self.required(id).await?;
        let evidence = Evidence::new(EvidenceKind::Sealed, id.to_string(), "made, sealed and on disk");
        Ok(StepDone {
            evidence: vec![evidence],
            attributes: version.attributes,
        })
    }

    /// What existed at the authority before it mints; asked once, before the first intent.
    pub(super) async fn existed_before(&self, action: &Action) -> Result<Option<Vec<String>>, PortError> {
        let needed = matches!(action, Action::Mint { .. }) && self.rotation().existed_before().is_none();
        if !needed {
            return Ok(None);
        }
        let held = within(self.app, self.limit(), self.wiring.issuer.inventory()).await?;
        Ok(Some(held.into_iter().map(|held| held.id).collect()))
    }

    /// What every attempt to mint the version asks for; `None` before the first one, when nothing was minted.
    fn mint_request(&self, id: &VersionId) -> Option<MintRequest> {
        let existed_before = self.rotation().existed_before()?.to_vec();
        let name = format!("keywheel-{}-{}", self.rotation().id(), id.number);
        let id = id.clone();
        Some(MintRequest {
            id,
            name,
            existed_before,
        })
    }

    async fn prove(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let version = self.version_of(number).await?;
        let began = self.app.inner.ports.clock.monotonic();
        let done = self.bounded(self.wiring.issuer.prove(&version)).await?;
        self.canary.learn(number, began);
        Ok(done)
    }

    /// Destroys a version. Of one that the authority was asked to make, everything that any attempt left goes.
    async fn retire(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let id = self.id_of(number);
        let minted = self.rotation().plan().shape().minted_by == MintedBy::Authority;
        if minted && number == self.rotation().plan().new_version() {
            let Some(request) = self.mint_request(&id) else {
                return Ok(Evidence::new(EvidenceKind::Changed, id.to_string(), "was never asked for").into());
            };
            return self.bounded(self.wiring.issuer.sweep(&request)).await;
        }
        let version = self.required(&id).await?;
        self.bounded(self.wiring.issuer.retire(&version)).await
    }

    async fn prove_dead(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let id = self.id_of(number);
        let Some(version) = self.find(&id).await? else {
            let minted = self.rotation().plan().shape().minted_by == MintedBy::Authority;
            if minted && number == self.rotation().plan().new_version() {
                return Ok(Evidence::new(
                    EvidenceKind::Refused,
                    id.to_string(),
                    "its secret was never learned, so nobody can present it",
                )
                .into());
            }
            return Err(AppError::NoMaterial(id.to_string()).into());
        };
        self.bounded(self.wiring.issuer.prove_dead(&version)).await
    }

    async fn deliver(&self, from: &View, to: &View) -> Result<StepDone, PortError> {
        let mut versions = Vec::new();
        for number in to.versions() {
            versions.push(self.version_of(number).await?);
        }
        let delivery = Delivery {
            credential: self.rotation().credential().clone(),
            rotation: Some(self.rotation().id().clone()),
            view: to.clone(),
            versions,
        };
        let mut evidence = Vec::new();
        for store in &self.wiring.stores {
            evidence.push(self.deliver_to(store, &delivery, from).await?);
        }
        Ok(evidence.into())
    }

    /// One store: look, swap, and read back what it shows.
    async fn deliver_to(
        &self,
        store: &Arc<dyn SecretStore>,
        delivery: &Delivery,
        from: &View,
    ) -> Result<Evidence, PortError> {
        let limit = self.limit();
        let shown = within(self.app, limit, store.read_back(&delivery.credential)).await?;
        // On the way back a store may show any view of this rotation: the step that is undone may have been cut off.
        let ours = shown.filter(|view| self.is_ours(view));
        let expected = ours.as_ref().unwrap_or(from);
        let evidence = within(self.app, limit, store.deliver(delivery, Some(expected))).await?;
        match within(self.app, limit, store.read_back(&delivery.credential)).await? {
            Some(view) if view == delivery.view => Ok(evidence),
            other => {
                let shows = other.map_or("nothing".to_owned(), |view| view.to_string());
                let message = format!(
                    "{} shows {shows} after {} was delivered; somebody else writes to it",
                    store.name(),
                    delivery.view
                );
                Err(PortError::transient(ErrorKind::Conflict, message).with_unknown_effect())
            }
        }
    }

    fn is_ours(&self, view: &View) -> bool {
        let plan = self.rotation().plan();
        let steps = plan.steps().iter().chain(self.rotation().script());
        let delivered = steps.filter_map(|step| match step {
            Action::Deliver { to, .. } => Some(to),
            _ => None,
        });
        std::iter::once(plan.view()).chain(delivered).any(|known| known == view)
    }

    async fn roll_out(&self, view: &View) -> Result<StepDone, PortError> {
        let mut evidence = Vec::new();
        for workload in &self.wiring.workloads {
            let rotation = self.rotation();
            let roll_out = workload.roll_out(rotation.id(), rotation.credential(), view);
            evidence.push(within(self.app, self.limit(), roll_out).await?);
        }
        Ok(evidence.into())
    }

    /// Archives the old version. Its sealed material stays until the next rotation ends, so that `verify` can still show that it
    /// is dead; versions that ended before it go now.
    async fn archive(&self, number: VersionNumber) -> Result<StepDone, PortError> {
        let id = self.id_of(number);
        let mut evidence = Vec::new();
        if let Some(archive) = &self.wiring.archive {
            let sealed = within(self.app, self.limit(), self.app.inner.ports.materials.get(&id)).await?;
            let sealed = sealed.ok_or_else(|| PortError::from(AppError::NoMaterial(id.to_string())))?;
            let version = self.required(&id).await?;
            evidence.push(within(self.app, self.limit(), archive.archive(&version, &sealed)).await?);
        }
        let kept = [number, self.rotation().plan().new_version()];
        for ended in self
            .ledger
            .credential()
            .versions
            .iter()
            .filter(|version| !kept.contains(&version.number))
        {
            let id = self.id_of(ended.number);
            within(self.app, self.limit(), self.app.inner.ports.materials.destroy(&id)).await?;
        }
        Ok(evidence.into())
    }

    async fn close(&self) -> Result<StepDone, PortError> {
        let event = self.app.audit_completion(self.rotation());
        within(self.app, self.limit(), self.app.inner.ports.audit.append(&event)).await?;
        let notice = self.notice_of(format!("{} rotation ended", self.rotation().credential()), false);
        let mut evidence = Vec::new();
        for notifier in &self.wiring.notifiers {
            within(self.app, self.limit(), notifier.close(&notice)).await?;
            evidence.push(Evidence::new(EvidenceKind::Notified, notifier.name(), "closed"));
        }
        Ok(evidence.into())
    }

    async fn preflight(&self) -> Result<StepDone, PortError> {
        let begin = self.app.audit_begin(self.rotation());
        within(self.app, self.limit(), self.app.inner.ports.audit.append(&begin)).await?;
        // Backends that look at the version in use may repeat its secret: what is redacted has to be known before.
        self.find(&self.id_of(self.rotation().plan().old())).await?;
        let look = async {
            let mut findings = self.app.findings(self.ledger.credential()).await?;
            let (trigger, began) = (self.rotation().trigger(), self.rotation().opened_at());
            findings.extend(health::findings_for(self.wiring, trigger, began).await);
            Ok(findings)
        };
        let findings = within(self.app, self.limit(), look).await?;
        self.app.decide_preflight(self.rotation(), findings).map(StepDone::from)
    }
}
