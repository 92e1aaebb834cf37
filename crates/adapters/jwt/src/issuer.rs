//! The issuer of a key ring: makes the keys, and asks the verifiers.
//!
//! Nobody accepts a key because an authority says so: every verifier does or does not, by the keys that were delivered
//! to it. So there is nothing to stage, suspend or retire here; deliveries do that, and the plan of a key ring knows.

mod material;
mod usage;
mod verifier;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{
    Clock, Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;

use crate::config::{ConfigError, KeyRingConfig, VerifierConfig};
use crate::jwk::Kid;
use crate::key::{KeyError, PrivateKey, PublicKey};
use crate::ring::Refusal;

pub use material::{ALGORITHM, PRIVATE_PEM};
use verifier::Verifier;

/// The issuer of kind `key_ring`.
#[derive(Clone, Debug)]
pub struct KeyRingIssuer {
    config: Arc<KeyRingConfig>,
    clock: Arc<dyn Clock>,
}

impl KeyRingIssuer {
    /// An issuer for one credential. The clock dates probe tokens and judges the age of reports.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn new(config: KeyRingConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config: Arc::new(config),
            clock,
        })
    }

    /// The material of a key that exists: PKCS#1, PKCS#8 or SEC1 PEM, with its public file if there is one. Nothing is
    /// written. A key of the configured algorithm's kind gets that algorithm, any other its usual one.
    ///
    /// # Errors
    /// [`KeyError`], which says what is wrong with the files and what to do.
    pub fn adopt(&self, private_pem: &[u8], public_pem: Option<&[u8]>) -> Result<Material, KeyError> {
        let found = PrivateKey::from_pem(private_pem, None, self.config.minimum_bits)?;
        let key = if found.public().fits(self.config.algorithm).is_ok() {
            PrivateKey::from_pem(private_pem, Some(self.config.algorithm), self.config.minimum_bits)?
        } else {
            found
        };
        if let Some(pem) = public_pem {
            key.belongs_to(&PublicKey::from_pem(pem)?)?;
        }
        material::of(&key)
    }

    /// Runs work that reads files or computes for seconds where it holds nobody up.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeyRingConfig) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let config = Arc::clone(&self.config);
        // Without a runtime there is nobody else on this thread who could be held up.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return work(&config);
        };
        let finished = runtime.spawn_blocking(move || work(&config)).await;
        finished.unwrap_or_else(|error| {
            Err(PortError::transient(ErrorKind::Internal, "the work on keys ended early").caused_by(error))
        })
    }

    /// Shows a token of that version to every verifier.
    async fn ask_all(&self, version: &VersionMaterial) -> Result<Vec<Answer>, PortError> {
        let (material, now) = (version.material.clone(), self.clock.now().as_second());
        self.aside(move |config| {
            let token = verifier::probe(&material::key(&material)?, now)?;
            let ask = |verifier: &VerifierConfig| Answer {
                verifier: verifier.to_string(),
                verdict: Verifier::load(verifier, config.algorithm).map(|verifier| verifier.ask(&token)),
            };
            Ok(config.verifiers.iter().map(ask).collect())
        })
        .await
    }
}

/// What one verifier said to a probe, or why it could not be asked.
struct Answer {
    verifier: String,
    verdict: Result<Result<(), Refusal>, PortError>,
}

#[async_trait]
impl Issuer for KeyRingIssuer {
    fn capabilities(&self) -> IssuerCapabilities {
        IssuerCapabilities {
            overlap: Overlap::KeyRing,
            minted_by: MintedBy::Us,
            can_suspend: false,
        }
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        let current = current.map(|version| material::key(&version.material)).transpose()?;
        let now = self.clock.now().as_second();
        self.aside(move |config| {
            let current = current.as_ref().map(|key| key.public().kid());
            let mut findings: Vec<_> = config
                .verifiers
                .iter()
                .flat_map(|verifier| verifier::look(verifier, config.algorithm, current))
                .collect();
            findings.extend(usage::look(config, now));
            Ok(findings)
        })
        .await
    }

    /// The engine draws from the operating system itself: no interface of it takes random bytes for an RSA key, and a
    /// key that came from two sources would be no better than one from the worse of them.
    async fn generate(
        &self,
        _id: &VersionId,
        _current: Option<&Attributes>,
        _entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        self.aside(|config| Ok(material::of(&PrivateKey::generate(config.algorithm, config.bits)?)?))
            .await
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        material::describe(material)
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let (mut accepted, mut unknown) = (Vec::new(), None);
        for Answer { verifier, verdict } in self.ask_all(version).await? {
            match verdict {
                Ok(Ok(())) => accepted.push(verifier),
                // That one refuses it is certain, whatever another one would say.
                Ok(Err(refusal)) => {
                    let message = format!(
                        "{verifier} refuses {}: {refusal}; has its delivery reached it?",
                        version.id
                    );
                    return Err(PortError::transient(ErrorKind::Refused, message));
                }
                Err(error) => unknown = unknown.or(Some(error)),
            }
        }
        if let Some(error) = unknown {
            return Err(error);
        }
        Ok(evidence(
            EvidenceKind::Accepted,
            version,
            "a token signed with it was accepted by",
            &accepted,
        ))
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let (mut refused, mut accepting, mut unknown) = (Vec::new(), Vec::new(), None);
        for Answer { verifier, verdict } in self.ask_all(version).await? {
            match verdict {
                Ok(Err(Refusal::UnknownKid)) => refused.push(verifier),
                Ok(_) => accepting.push(verifier),
                Err(error) => unknown = Some(error),
            }
        }
        // That one still accepts it is certain, whatever another one would say.
        if !accepting.is_empty() {
            let message = format!("{} is still accepted by {}", version.id, accepting.join("; "));
            return Err(PortError::transient(ErrorKind::Conflict, message));
        }
        match unknown {
            Some(error) => Err(error),
            None => Ok(evidence(
                EvidenceKind::Refused,
                version,
                "its kid is unknown to",
                &refused,
            )),
        }
    }

    async fn usage(&self, version: &VersionMaterial, _switched: Timestamp) -> Result<Usage, PortError> {
        if self.config.reports.is_empty() {
            return Ok(Usage::Untold);
        }
        let (id, now) = (version.id.clone(), self.clock.now().as_second());
        let kid = material::key(&version.material)?.public().kid().clone();
        self.aside(move |config| usage::of(config, &id, &kid, now)).await
    }

    /// The keys that verifiers accept, by their names.
    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.aside(|config| {
            let mut kids = BTreeSet::<Kid>::new();
            for verifier in &config.verifiers {
                kids.extend(Verifier::load(verifier, config.algorithm)?.accepted());
            }
            Ok(kids
                .iter()
                .map(|kid| Held {
                    id: kid.to_string(),
                    name: None,
                })
                .collect())
        })
        .await
    }
}

fn evidence(kind: EvidenceKind, version: &VersionMaterial, what: &str, verifiers: &[String]) -> Evidence {
    let detail = format!(
        "{what} {} of {}: {}",
        verifiers.len(),
        verifiers.len(),
        verifiers.join("; ")
    );
    Evidence::new(kind, version.id.to_string(), detail)
}

#[cfg(test)]
mod tests;
