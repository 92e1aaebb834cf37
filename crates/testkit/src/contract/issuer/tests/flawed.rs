//! Issuers that break one sentence of the contract each.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{
    Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, MintRequest, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;

use crate::fake::issuer::FakeIssuer;
use crate::world::{Account, Fingerprint, World};

/// What is wrong with an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    ProvesEverything,
    TakesSilenceForARefusal,
    TakesARefusalForSilence,
    BuriesTheLiving,
    EvidenceOfAnotherKind,
    EvidenceWithASecret,
    StagesTwice,
    StagesInPlace,
    DoesNotSuspend,
    SuspendsBoth,
    CannotSuspendWhatIsGone,
    DoesNotReinstate,
    ReinstatesWhatIsGone,
    RetiresEverything,
    CannotRetireWhatIsGone,
    DescribesAnything,
    DescribesAnew,
    DescribesTheSecret,
    DescribesAllAlike,
    GeneratesOutside,
    GeneratesTheSame,
    ReplacesBesides,
    MintsBesideTheOrphan,
    MintsOverWhatExisted,
    SweepsOtherNames,
    CannotSweepNothing,
    Blocks,
    ActsAtPreflight,
    ClaimsDisuse,
    ListsTwice,
    ListsNothing,
    DoesWhatItDoesNotDeclare,
    Hangs,
}

#[derive(Debug)]
pub(super) struct Flawed {
    flaw: Flaw,
    inner: FakeIssuer,
    world: World,
    count: AtomicU64,
}

impl Flawed {
    /// The issuer of that company, with that flaw.
    pub(super) fn new(world: &World, flaw: Flaw) -> Self {
        Self {
            flaw,
            inner: FakeIssuer::new(world),
            world: world.clone(),
            count: AtomicU64::new(0),
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn is_held(&self, version: &VersionMaterial) -> bool {
        let key = Fingerprint::of(&version.material);
        self.world.look(|state| {
            state
                .authority
                .accounts
                .iter()
                .any(|account| account.fingerprint == Some(key))
        })
    }

    fn gone(&self, version: &VersionMaterial) -> Result<(), PortError> {
        if self.is_held(version) {
            return Ok(());
        }
        Err(PortError::permanent(ErrorKind::NotFound, "it is gone"))
    }

    /// Somebody's account, with a name of its own each time.
    fn litter(&self) {
        let id = self.world.meddle(|state| state.authority.next_id());
        self.world.meddle(|state| {
            let account = Account {
                id,
                name: None,
                owner: None,
                fingerprint: None,
                active: true,
            };
            state.authority.accounts.push(account);
        });
    }

    fn forget(&self, name: impl Fn(&str) -> bool) {
        let named = |account: &Account| account.name.as_deref().is_some_and(&name);
        self.world.meddle(|state| state.authority.remove(named));
    }
}

fn done() -> Evidence {
    Evidence::new(EvidenceKind::Changed, "it", "done")
}

#[async_trait]
impl Issuer for Flawed {
    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        if self.has(Flaw::ActsAtPreflight) {
            self.litter();
        }
        let mut found = self.inner.preflight(current).await?;
        if self.has(Flaw::Blocks) {
            found.push(Finding::blocker("it", "no", "nothing"));
        }
        Ok(found)
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        match self.flaw {
            Flaw::GeneratesOutside => self.litter(),
            Flaw::GeneratesTheSame => {
                let always = crate::fake::entropy::FakeEntropy::seeded(7);
                return self.inner.generate(id, current, &always).await;
            }
            _ => {}
        }
        self.inner.generate(id, current, entropy).await
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        if self.has(Flaw::DescribesAnything) {
            return Ok(self.inner.describe(material).unwrap_or_default());
        }
        let mut attributes = self.inner.describe(material)?;
        let secret = material.get("secret").and_then(Secret::expose_text).unwrap_or_default();
        match self.flaw {
            Flaw::DescribesAnew => {
                let count = self.count.fetch_add(1, Ordering::Relaxed);
                attributes.insert("count".to_owned(), count.to_string());
            }
            Flaw::DescribesTheSecret => {
                attributes.insert("url".to_owned(), format!("redis://:{secret}@cache"));
            }
            Flaw::DescribesAllAlike => attributes.clear(),
            _ => {}
        }
        Ok(attributes)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Material, PortError> {
        let mut request = request.clone();
        if self.has(Flaw::MintsBesideTheOrphan) {
            request.name = format!("{}-{}", request.name, self.count.fetch_add(1, Ordering::Relaxed));
        }
        if self.has(Flaw::MintsOverWhatExisted) {
            self.forget(|name| name == request.name);
        }
        self.inner.mint(&request).await
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let staged = self.inner.stage(version).await?;
        match self.flaw {
            Flaw::StagesTwice => self.litter(),
            Flaw::StagesInPlace => {
                let key = Fingerprint::of(&version.material);
                self.world
                    .meddle(|state| state.authority.remove(|account| account.fingerprint != Some(key)));
            }
            Flaw::EvidenceOfAnotherKind => return Ok(Evidence::new(EvidenceKind::Checked, "it", "done")),
            _ => {}
        }
        Ok(staged)
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.has(Flaw::ReplacesBesides) {
            let number = version.id.number;
            let key = Fingerprint::of(&version.material);
            self.world.meddle(|state| {
                let replaced = state.authority.accounts.clone();
                state.authority.replace(key.to_string(), number, key);
                state.authority.accounts.extend(replaced);
            });
            return Ok(done());
        }
        self.inner.replace(version).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.flaw {
            Flaw::ProvesEverything => return Ok(Evidence::new(EvidenceKind::Accepted, "it", "fine")),
            Flaw::Hangs => std::future::pending().await,
            _ => {}
        }
        let proven = self.inner.prove(version).await;
        match self.flaw {
            Flaw::TakesARefusalForSilence => {
                proven.map_err(|_| PortError::transient(ErrorKind::Unavailable, "no connection"))
            }
            Flaw::EvidenceWithASecret => {
                let secret = version.material.get("secret").and_then(Secret::expose_text);
                proven.map(|fact| Evidence::new(fact.kind, fact.subject, secret.unwrap_or_default()))
            }
            _ => proven,
        }
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let dead = self.inner.prove_dead(version).await;
        match self.flaw {
            Flaw::BuriesTheLiving => Ok(Evidence::new(EvidenceKind::Refused, "it", "dead")),
            Flaw::TakesSilenceForARefusal => {
                dead.map_err(|_| PortError::transient(ErrorKind::Unavailable, "no connection"))
            }
            _ => dead,
        }
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.flaw {
            Flaw::DoesNotSuspend => return Ok(done()),
            Flaw::CannotSuspendWhatIsGone => self.gone(version)?,
            Flaw::SuspendsBoth => self.world.meddle(|state| {
                let accounts = state.authority.accounts.iter_mut();
                accounts.for_each(|account| account.active = false);
            }),
            Flaw::DoesWhatItDoesNotDeclare => return Ok(done()),
            _ => {}
        }
        self.inner.suspend(version).await
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.flaw {
            Flaw::DoesNotReinstate => return Ok(done()),
            Flaw::ReinstatesWhatIsGone if !self.is_held(version) => return Ok(done()),
            _ => {}
        }
        self.inner.reinstate(version).await
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.flaw {
            Flaw::CannotRetireWhatIsGone => self.gone(version)?,
            Flaw::RetiresEverything => {
                self.world.meddle(|state| state.authority.remove(|_| true));
            }
            _ => {}
        }
        self.inner.retire(version).await
    }

    async fn sweep(&self, request: &MintRequest) -> Result<Evidence, PortError> {
        let held = self.inner.inventory().await?;
        if self.has(Flaw::CannotSweepNothing) && !held.iter().any(|held| held.name.as_ref() == Some(&request.name)) {
            return Err(PortError::permanent(ErrorKind::NotFound, "there is nothing"));
        }
        if self.has(Flaw::SweepsOtherNames) {
            self.forget(|name| name.starts_with("keywheel-"));
        }
        self.inner.sweep(request).await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        match self.flaw {
            Flaw::ClaimsDisuse => Ok(Usage::Unused(Vec::new())),
            _ => self.inner.usage(version, switched).await,
        }
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        let held = self.inner.inventory().await?;
        Ok(match self.flaw {
            Flaw::ListsTwice => [held.clone(), held].concat(),
            Flaw::ListsNothing => Vec::new(),
            _ => held,
        })
    }
}
