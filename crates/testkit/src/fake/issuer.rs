//! An issuer of every kind.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{
    Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, MintRequest, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;
use zeroize::Zeroizing;

use crate::leak::MARK;
use crate::world::{Account, Deed, Fingerprint, State, Style, World};

/// The issuer of a simulated company's credential; its [`Style`] decides which kind it is.
///
/// Every secret that it makes begins with [`MARK`], so that one that leaks is found by one search.
#[derive(Debug, Clone)]
pub struct FakeIssuer {
    world: World,
}

impl FakeIssuer {
    /// The issuer of that company.
    pub fn new(world: &World) -> Self {
        Self { world: world.clone() }
    }

    fn style(&self) -> Style {
        self.world.look(|state| state.setup.style)
    }

    fn only(&self, overlap: &[Overlap], what: &str) -> Result<(), PortError> {
        if overlap.contains(&self.style().overlap()) {
            return Ok(());
        }
        let problem = format!("this issuer cannot {what}");
        Err(PortError::permanent(ErrorKind::Unsupported, problem))
    }
}

const PRESENTED: [Overlap; 2] = [Overlap::TwoVersions, Overlap::OneVersion];

#[async_trait]
impl Issuer for FakeIssuer {
    fn capabilities(&self) -> IssuerCapabilities {
        self.world.look(|state| state.setup.capabilities())
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        let (held, quota) = self
            .world
            .look(|state| (state.authority.accounts.len(), state.setup.quota));
        let mut findings = vec![Finding::fine("the issuer", "it answers")];
        if self.style().overlap() == Overlap::TwoVersions && held >= quota {
            let detail = format!("there are {held} accounts, and {quota} are the most");
            findings.push(Finding::blocker("accounts", detail, "delete the one that nobody needs"));
        }
        let refused = current.filter(|current| !self.world.look(|state| accepted(state, current)));
        if let Some(current) = refused {
            let detail = format!("{} is refused", current.id);
            findings.push(Finding::warning("the current version", detail, "see who changed it"));
        }
        Ok(findings)
    }

    async fn generate(
        &self,
        _id: &VersionId,
        _current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        let mut random = Zeroizing::new([0u8; 12]);
        entropy.fill(random.as_mut_slice())?;
        Ok(Material::single("secret", secret(random.as_slice())))
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        let secret = material.get("secret").and_then(Secret::expose_text);
        if !secret.is_some_and(|secret| secret.starts_with(MARK)) {
            let problem = "this is no material of the simulated issuer; give it one that `generate` made";
            return Err(PortError::permanent(ErrorKind::Invalid, problem));
        }
        let given = material.get("key_id").and_then(Secret::expose_text);
        let key = given.map_or_else(|| public_name(Fingerprint::of(material)), str::to_owned);
        Ok([("key".to_owned(), key)].into())
    }

    async fn mint(&self, request: &MintRequest) -> Result<Material, PortError> {
        if self.capabilities().minted_by != MintedBy::Authority {
            return Err(PortError::permanent(ErrorKind::Unsupported, "this issuer cannot mint"));
        }
        let version = request.id.number;
        let orphan = |account: &Account| {
            account.name.as_deref() == Some(&request.name) && !request.existed_before.contains(&account.id)
        };
        if self.world.look(|state| state.authority.accounts.iter().any(orphan)) {
            self.world.act(Deed::Swept(version), |state| {
                state.authority.remove(orphan);
                Ok(())
            })?;
        }
        self.world.act(Deed::Minted(version), |state| {
            let id = state.authority.next_id();
            let random = Fingerprint::of(&Material::single(&id, secret(id.as_bytes()))).to_string();
            let material = Material::single("secret", secret(random.as_bytes()))
                .with("key_id", Secret::new(Zeroizing::new(id.clone().into_bytes())));
            let fingerprint = Fingerprint::of(&material);
            state.authority.make(Account {
                id,
                name: Some(request.name.clone()),
                owner: Some(version),
                fingerprint: Some(fingerprint),
                active: true,
            })?;
            state.learn(version, fingerprint);
            Ok(material)
        })
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(&[Overlap::TwoVersions], "stage")?;
        self.change(version, Deed::Staged(version.id.number), |state, key| {
            state.learn(version.id.number, key);
            state.authority.add(name(version), version.id.number, key)
        })
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(&[Overlap::OneVersion], "replace")?;
        self.change(version, Deed::Replaced(version.id.number), |state, key| {
            state.learn(version.id.number, key);
            state.authority.replace(name(version), version.id.number, key);
            Ok(())
        })
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.world.look(|state| accepted(state, version)) {
            return Ok(fact(EvidenceKind::Accepted, version, "accepted"));
        }
        let problem = format!("{} was refused", version.id);
        Err(PortError::permanent(ErrorKind::Refused, problem))
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.world.look(|state| accepted_anywhere(state, version)) {
            let problem = format!("{} is still accepted", version.id);
            return Err(PortError::transient(ErrorKind::Conflict, problem));
        }
        Ok(fact(EvidenceKind::Refused, version, "refused everywhere"))
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.can_suspend()?;
        self.change(version, Deed::Suspended(version.id.number), |state, key| {
            state.authority.set_active(key, false);
            Ok(())
        })
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.can_suspend()?;
        self.change(version, Deed::Reinstated(version.id.number), |state, key| {
            if !state
                .authority
                .accounts
                .iter()
                .any(|account| account.fingerprint == Some(key))
            {
                let problem = format!("{} does not exist any more", version.id);
                return Err(PortError::permanent(ErrorKind::NotFound, problem));
            }
            state.authority.set_active(key, true);
            Ok(())
        })
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(&PRESENTED, "retire")?;
        let key = Fingerprint::of(&version.material);
        self.destroy(&version.id, |account| account.fingerprint == Some(key))
    }

    async fn sweep(&self, request: &MintRequest) -> Result<Evidence, PortError> {
        let ours = |account: &Account| {
            account.name.as_deref() == Some(&request.name) && !request.existed_before.contains(&account.id)
        };
        self.destroy(&request.id, ours)
    }

    async fn usage(&self, version: &VersionMaterial, _switched: Timestamp) -> Result<Usage, PortError> {
        let ring = self.style().overlap() == Overlap::KeyRing;
        Ok(self.world.look(|state| match (ring, state.setup.tells_usage) {
            (false, true) => super::usage::of_logins(state, version),
            (true, _) | (_, false) => Usage::Untold,
        }))
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        let ring = self.style().overlap() == Overlap::KeyRing;
        Ok(self
            .world
            .look(|state| if ring { keys(state) } else { state.authority.inventory() }))
    }
}

impl FakeIssuer {
    fn destroy(&self, id: &VersionId, gone: impl Fn(&Account) -> bool) -> Result<Evidence, PortError> {
        self.world.act(Deed::Retired(id.number), |state| {
            let count = state.authority.remove(gone);
            Ok(Evidence::new(
                EvidenceKind::Changed,
                id.to_string(),
                format!("{count} accounts destroyed"),
            ))
        })
    }

    fn can_suspend(&self) -> Result<(), PortError> {
        if self.capabilities().can_suspend {
            return Ok(());
        }
        Err(PortError::permanent(
            ErrorKind::Unsupported,
            "this issuer cannot suspend",
        ))
    }

    fn change(
        &self,
        version: &VersionMaterial,
        deed: Deed,
        change: impl FnOnce(&mut State, Fingerprint) -> Result<(), PortError>,
    ) -> Result<Evidence, PortError> {
        let key = Fingerprint::of(&version.material);
        self.world.act(deed, |state| change(state, key))?;
        Ok(fact(EvidenceKind::Changed, version, deed.name()))
    }
}

fn secret(random: &[u8]) -> Secret {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    let text: String = random.iter().flat_map(digits).collect();
    Secret::new(Zeroizing::new(format!("{MARK}{text}").into_bytes()))
}

/// The authority's own name of a version.
fn name(version: &VersionMaterial) -> String {
    version
        .attributes
        .get("key")
        .cloned()
        .unwrap_or_else(|| version.id.to_string())
}

/// The keys that verifiers accept, by their names.
fn keys(state: &State) -> Vec<Held> {
    let members = state.fleets.iter().flat_map(|fleet| &fleet.members);
    let running = members.filter_map(|member| member.running.as_ref());
    let accepted: BTreeSet<_> = running.flat_map(|shown| shown.accepted()).collect();
    let held = |key: &Fingerprint| Held {
        id: public_name(*key),
        name: None,
    };
    accepted.into_iter().map(held).collect()
}

/// What we call a version that we made.
fn public_name(key: Fingerprint) -> String {
    format!("app-{key}")
}

fn fact(kind: EvidenceKind, version: &VersionMaterial, detail: &str) -> Evidence {
    Evidence::new(kind, version.id.to_string(), detail)
}

/// Whether a consumer can work with it now: every acceptor that runs accepts it.
fn accepted(state: &State, version: &VersionMaterial) -> bool {
    let key = Fingerprint::of(&version.material);
    if state.setup.style.overlap() != Overlap::KeyRing {
        return state.authority.accepts(key);
    }
    let mut members = state.fleets.iter().flat_map(|fleet| &fleet.members);
    members.all(|member| member.running.as_ref().is_some_and(|shown| shown.accepts(key)))
}

/// Whether any acceptor accepts it.
fn accepted_anywhere(state: &State, version: &VersionMaterial) -> bool {
    let key = Fingerprint::of(&version.material);
    if state.setup.style.overlap() != Overlap::KeyRing {
        return state.authority.accepts(key);
    }
    let mut members = state.fleets.iter().flat_map(|fleet| &fleet.members);
    members.any(|member| member.running.as_ref().is_some_and(|shown| shown.accepts(key)))
}
