//! Embeds Keywheel in another service: a gate that accepts API tokens, with an issuer and a store of its own.
//!
//! `cargo run -p keywheel-app --example embed` adopts the gate's token, rotates it, and ends with what the gate accepts.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_app::{Driven, Keywheel, Observer, Ports, Progress, Wiring};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{CredentialName, VersionId};
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{
    Delivery, Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, KeyProvider, PortError, SecretStore,
    Usage, VersionMaterial,
};
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;
use keywheel_local::config::KeyConfig;
use keywheel_local::{LocalKeys, OsEntropy, SystemClock};
use keywheel_sqlite::Sqlite;
use zeroize::Zeroizing;

/// The service that embeds Keywheel: it accepts tokens, by their SHA-256, and hands one to its own clients.
#[derive(Debug, Default)]
struct Gate {
    accepted: Mutex<BTreeSet<Vec<u8>>>,
    shown: Mutex<Option<View>>,
}

impl Gate {
    fn change(&self, version: &VersionMaterial, accept: bool) -> Evidence {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = if accept {
            accepted.insert(digest(&version.material));
            "the gate accepts it"
        } else {
            accepted.remove(&digest(&version.material));
            "the gate refuses it"
        };
        Evidence::new(EvidenceKind::Changed, version.id.to_string(), detail)
    }

    fn accepts(&self, version: &VersionMaterial) -> bool {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.contains(&digest(&version.material))
    }
}

fn digest(material: &Material) -> Vec<u8> {
    let token = material.get("token").map(Secret::expose).unwrap_or_default();
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token)
        .as_ref()
        .to_vec()
}

/// The port of our own: two tokens may be valid side by side, and a token can be suspended.
#[async_trait]
impl Issuer for Gate {
    fn capabilities(&self) -> IssuerCapabilities {
        IssuerCapabilities {
            overlap: Overlap::TwoVersions,
            minted_by: MintedBy::Us,
            can_suspend: true,
        }
    }

    async fn preflight(&self, _current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        Ok(vec![Finding::fine("gate", "answers")])
    }

    async fn generate(
        &self,
        _id: &VersionId,
        _current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        let mut token = Zeroizing::new(vec![0u8; 32]);
        entropy.fill(&mut token)?;
        Ok(Material::single("token", Secret::new(token)))
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        let id: String = digest(material)
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok([("token_id".to_owned(), id)].into())
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        Ok(self.change(version, true))
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.accepts(version) {
            return Ok(Evidence::new(
                EvidenceKind::Accepted,
                version.id.to_string(),
                "the gate let it through",
            ));
        }
        Err(PortError::permanent(ErrorKind::Refused, "the gate refused the token"))
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.accepts(version) {
            return Err(PortError::transient(
                ErrorKind::Conflict,
                "the gate still accepts the token",
            ));
        }
        Ok(Evidence::new(
            EvidenceKind::Refused,
            version.id.to_string(),
            "the gate refused it",
        ))
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        Ok(self.change(version, false))
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        Ok(self.change(version, true))
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        Ok(self.change(version, false))
    }

    async fn usage(&self, _version: &VersionMaterial, _switched: Timestamp) -> Result<Usage, PortError> {
        Ok(Usage::Untold)
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        Ok(Vec::new())
    }
}

/// Where the gate's clients look their token up.
#[async_trait]
impl SecretStore for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        Ok(Vec::new())
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.as_ref() != expected && shown.as_ref() != Some(&delivery.view) {
            return Err(PortError::permanent(
                ErrorKind::Conflict,
                "the gate shows something else",
            ));
        }
        *shown = Some(delivery.view.clone());
        Ok(Evidence::new(
            EvidenceKind::Delivered,
            "gate",
            delivery.view.to_string(),
        ))
    }

    async fn read_back(&self, _credential: &CredentialName) -> Result<Option<View>, PortError> {
        Ok(self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Prints each step as it is done.
#[derive(Debug)]
struct Steps;

impl Observer for Steps {
    fn notice(&self, _rotation: &Rotation, progress: &Progress<'_>) {
        if let Progress::Done { action, .. } = progress {
            println!("  {action}");
        }
    }
}

fn policy() -> Policy {
    let blink = SignedDuration::from_millis(50);
    Policy {
        grace: blink,
        retention: blink,
        soak: blink,
        observe: blink,
        adopt_within: blink,
        poll: blink,
        drain: keywheel_domain::policy::DrainRule {
            quiet: blink,
            ..Policy::new(Period::months(3)).drain
        },
        ..Policy::new(Period::months(3))
    }
}

async fn keywheel(folder: &Path, gate: &Arc<Gate>, name: &CredentialName) -> anyhow::Result<Keywheel> {
    let state = Sqlite::open(&folder.join("keywheel.db")).await?;
    keywheel_local::create_key_file(&folder.join("keywheel.key"), &OsEntropy)?;
    let key = KeyConfig {
        file: Some("keywheel.key".into()),
        env: None,
        old: Vec::new(),
    };
    let keys: Arc<dyn KeyProvider> = Arc::new(LocalKeys::load(&key, folder, &|_| None)?);
    let ports = Ports {
        journal: state.clone(),
        materials: state.clone(),
        audit: state,
        keys,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    let wiring = Wiring {
        kind: "api_token".to_owned(),
        policy: policy(),
        bulkhead: None,
        issuer: gate.clone(),
        stores: vec![gate.clone()],
        workloads: Vec::new(),
        probes: Vec::new(),
        notifiers: Vec::new(),
        archive: None,
    };
    let builder = Keywheel::builder(ports, "embed-example".parse()?);
    Ok(builder
        .credential(name.clone(), wiring)
        .observer(Arc::new(Steps))
        .build())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let gate = Arc::new(Gate::default());
    let name: CredentialName = "example/gate-token".parse()?;
    let keywheel = keywheel(folder.path(), &gate, &name).await?;

    // The token that the gate accepts today.
    let token = Secret::new(Zeroizing::new(b"the token of last year".to_vec()));
    let material = Material::single("token", token);
    let id = VersionId {
        credential: name.clone(),
        number: keywheel_domain::id::VersionNumber(1),
    };
    let today = VersionMaterial {
        id,
        attributes: gate.describe(&material)?,
        material,
    };
    gate.change(&today, true);
    let adopted = jiff::Timestamp::from_second(1_760_000_000)?;
    keywheel.adopt(&name, &today.material, adopted, "example").await?;

    println!("rotating {name}:");
    let trigger = Trigger::Manual {
        reason: "the example".to_owned(),
    };
    let rotation = keywheel.open(&name, trigger, "example").await?;
    let driven = keywheel.drive(&rotation, SignedDuration::from_mins(1)).await?;
    anyhow::ensure!(
        driven == Driven::Rested(Outcome::Completed),
        "the rotation ended as {driven:?}"
    );
    anyhow::ensure!(!gate.accepts(&today), "the old token is still accepted");
    println!("completed: the gate accepts the new token and refuses the old one");
    Ok(())
}
