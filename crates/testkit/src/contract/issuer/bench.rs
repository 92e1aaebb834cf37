//! One issuer on the bench, and what the checks ask it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::plan::MintedBy;
use keywheel_domain::ports::{ErrorKind, Issuer, MintRequest, PortError, VersionMaterial};

use super::Fixture;
use crate::fake::entropy::FakeEntropy;

/// Issuers that share a server must never be given the same password by two checks.
static NEXT_SEED: AtomicU64 = AtomicU64::new(1);

pub(super) struct Bench {
    pub(super) issuer: Arc<dyn Issuer>,
    pub(super) current: VersionMaterial,
    pub(super) entropy: FakeEntropy,
    /// Locked by nobody: only a lock makes it shareable.
    _keep: Mutex<Box<dyn Any + Send>>,
}

/// An error in words, for assertions.
pub(super) fn said<T>(result: &Result<T, PortError>) -> String {
    match result {
        Ok(_) => "it succeeded".to_owned(),
        Err(error) => format!("{:?}: {}", error.kind, error.chain()),
    }
}

/// The fact is of that kind, and says something about something.
pub(super) fn assert_fact(fact: &Evidence, kind: EvidenceKind, what: &str) {
    assert_eq!(fact.kind, kind, "the evidence of {what}: {fact:?}");
    assert!(
        !fact.subject.is_empty() && !fact.detail.is_empty(),
        "the evidence of {what} says about what it is and what was seen: {fact:?}"
    );
    assert!(
        !fact.detail.contains('\n'),
        "the evidence of {what} is one line: {fact:?}"
    );
}

impl Bench {
    pub(super) fn new(fixture: Fixture) -> Self {
        let Fixture { issuer, current, keep } = fixture;
        Self {
            issuer,
            current,
            entropy: FakeEntropy::seeded(NEXT_SEED.fetch_add(1, Ordering::Relaxed)),
            _keep: Mutex::new(keep),
        }
    }

    /// The version after the one in use.
    pub(super) fn next_id(&self) -> VersionId {
        let VersionId { credential, number } = self.current.id.clone();
        VersionId {
            credential,
            number: VersionNumber(number.0 + 1),
        }
    }

    /// What the issuer says about a material, as a version.
    pub(super) fn described(&self, material: Material) -> VersionMaterial {
        let described = self.issuer.describe(&material);
        VersionMaterial {
            id: self.next_id(),
            attributes: described.expect("an issuer describes what it made"),
            material,
        }
    }

    /// The next version, made by us and accepted by nobody.
    pub(super) async fn generated(&self) -> VersionMaterial {
        let made = self
            .issuer
            .generate(&self.next_id(), Some(&self.current.attributes), &self.entropy)
            .await;
        self.described(made.expect("generating succeeds"))
    }

    /// What a driver asks for: the name is one that no other attempt uses.
    pub(super) async fn mint_request(&self) -> MintRequest {
        let seed = NEXT_SEED.fetch_add(1, Ordering::Relaxed);
        MintRequest {
            id: self.next_id(),
            name: format!("keywheel-contract-{seed}-{}", self.next_id().number),
            existed_before: self.held().await.into_keys().collect(),
        }
    }

    pub(super) async fn minted(&self, request: &MintRequest) -> VersionMaterial {
        let minted = self.issuer.mint(request).await;
        self.described(minted.expect("minting succeeds"))
    }

    /// The next version, accepted beside the one in use.
    pub(super) async fn accepted_next(&self) -> VersionMaterial {
        if self.issuer.capabilities().minted_by == MintedBy::Authority {
            return self.minted(&self.mint_request().await).await;
        }
        let version = self.generated().await;
        self.stage(&version).await;
        version
    }

    /// What the authority holds: ids, and the names where it keeps any.
    pub(super) async fn held(&self) -> BTreeMap<String, Option<String>> {
        let held = self.issuer.inventory().await.expect("the inventory succeeds");
        held.into_iter().map(|held| (held.id, held.name)).collect()
    }

    pub(super) async fn stage(&self, version: &VersionMaterial) {
        let staged = self.issuer.stage(version).await.expect("staging succeeds");
        assert_fact(&staged, EvidenceKind::Changed, "staging");
    }

    pub(super) async fn replace(&self, version: &VersionMaterial) {
        let replaced = self.issuer.replace(version).await.expect("replacing succeeds");
        assert_fact(&replaced, EvidenceKind::Changed, "replacing");
    }

    pub(super) async fn suspend(&self, version: &VersionMaterial) {
        let suspended = self.issuer.suspend(version).await.expect("suspending succeeds");
        assert_fact(&suspended, EvidenceKind::Changed, "suspending");
    }

    pub(super) async fn reinstate(&self, version: &VersionMaterial) {
        let reinstated = self.issuer.reinstate(version).await.expect("reinstating succeeds");
        assert_fact(&reinstated, EvidenceKind::Changed, "reinstating");
    }

    pub(super) async fn retire(&self, version: &VersionMaterial) {
        let retired = self.issuer.retire(version).await.expect("retiring succeeds");
        assert_fact(&retired, EvidenceKind::Changed, "retiring");
    }

    /// The version authenticates, and nobody claims that it is dead.
    pub(super) async fn works(&self, version: &VersionMaterial, when: &str) {
        let id = &version.id;
        let proven = self.issuer.prove(version).await;
        assert!(proven.is_ok(), "{id} is proven {when}: {}", said(&proven));
        assert_fact(&proven.expect("just seen"), EvidenceKind::Accepted, "a proof");
        let dead = self.issuer.prove_dead(version).await;
        let kind = dead.as_ref().err().map(|error| error.kind);
        assert_eq!(
            kind,
            Some(ErrorKind::Conflict),
            "to prove {id} dead {when}, while it is accepted, is a conflict: {}",
            said(&dead)
        );
    }

    /// The version is refused, and that is proven.
    pub(super) async fn is_dead(&self, version: &VersionMaterial, when: &str) {
        let id = &version.id;
        let proven = self.issuer.prove(version).await;
        let kind = proven.as_ref().err().map(|error| error.kind);
        assert_eq!(
            kind,
            Some(ErrorKind::Refused),
            "to prove {id} {when} is refused: {}",
            said(&proven)
        );
        let dead = self.issuer.prove_dead(version).await;
        assert!(dead.is_ok(), "{id} is proven dead {when}: {}", said(&dead));
        assert_fact(&dead.expect("just seen"), EvidenceKind::Refused, "a proof of death");
    }
}
