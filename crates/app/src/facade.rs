//! The façade and how it is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, RotationId};
use keywheel_domain::material::Material;
use keywheel_domain::ports::{AuditLog, Clock, Entropy, Journal, KeyProvider, MaterialStore, VersionMaterial};
use keywheel_domain::version::Version;

use crate::driver::Seats;
use crate::error::AppError;
use crate::progress::{Observer, Silent};
use crate::punctual::PunctualJournal;
use crate::seal::Vault;
use crate::wiring::{Unusable, Wiring};

/// The ports that all credentials share.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The journal and the inventory.
    pub journal: Arc<dyn Journal>,
    /// Sealed material.
    pub materials: Arc<dyn MaterialStore>,
    /// The evidence for the auditor.
    pub audit: Arc<dyn AuditLog>,
    /// The key that seals everything.
    pub keys: Arc<dyn KeyProvider>,
    /// Time and sleep.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// Rotates credentials. Cheap to clone; every clone is the same driver.
#[derive(Debug, Clone)]
pub struct Keywheel {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) ports: Ports,
    pub(crate) driver: DriverId,
    /// Who says what somebody says: to the drivers of this process, too, it is somebody else.
    pub(crate) speaker: DriverId,
    pub(crate) seats: Seats,
    pub(crate) lease: SignedDuration,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) wirings: BTreeMap<CredentialName, Wiring>,
    pub(crate) unusable: BTreeMap<CredentialName, Unusable>,
}

/// Collects what a [`Keywheel`] is built from.
#[derive(Debug)]
pub struct Builder {
    inner: Inner,
}

impl Builder {
    /// Manages a credential through these backends.
    #[must_use]
    pub fn credential(mut self, name: CredentialName, wiring: Wiring) -> Self {
        self.inner.wirings.insert(name, wiring);
        self
    }

    /// Shows a credential whose backends could not be built, and does nothing else with it: one that is broken must not hide the
    /// others, nor be hidden itself.
    #[must_use]
    pub fn unusable(mut self, name: CredentialName, unusable: Unusable) -> Self {
        self.inner.unusable.insert(name, unusable);
        self
    }

    /// Who watches rotations run; nobody by default.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.inner.observer = observer;
        self
    }

    /// How long a driver that died keeps others from its rotation; 15 seconds by default. It is renewed while the driver lives.
    #[must_use]
    pub fn lease(mut self, lease: SignedDuration) -> Self {
        self.inner.lease = lease;
        self
    }

    /// The finished façade.
    pub fn build(mut self) -> Keywheel {
        let ports = &mut self.inner.ports;
        ports.journal = Arc::new(PunctualJournal {
            inner: Arc::clone(&ports.journal),
            clock: Arc::clone(&ports.clock),
        });
        Keywheel {
            inner: Arc::new(self.inner),
        }
    }
}

/// The driver's id with a mark at its end, for which a very long one makes room.
fn speaker(driver: &DriverId) -> DriverId {
    let id = driver.as_str();
    let begin = &id[..id.len().min(120)];
    let speaker = format!("{begin}.word").parse();
    speaker.expect("letters, digits and dots go on what is an id already")
}

impl Keywheel {
    /// Starts building. The driver's id must be unique among all processes that share the journal.
    pub fn builder(ports: Ports, driver: DriverId) -> Builder {
        Builder {
            inner: Inner {
                ports,
                speaker: speaker(&driver),
                driver,
                seats: Seats::default(),
                lease: SignedDuration::from_secs(15),
                observer: Arc::new(Silent),
                wirings: BTreeMap::new(),
                unusable: BTreeMap::new(),
            },
        }
    }

    /// The backends of a credential.
    ///
    /// # Errors
    /// [`AppError::UnknownCredential`], [`AppError::Unusable`].
    pub fn wiring(&self, name: &CredentialName) -> Result<&Wiring, AppError> {
        self.inner
            .wirings
            .get(name)
            .ok_or_else(|| match self.inner.unusable.get(name) {
                Some(unusable) => unusable.error(name),
                None => AppError::UnknownCredential(name.clone()),
            })
    }

    /// The credentials that are configured and cannot be used, each with what is wrong.
    pub fn unusable(&self) -> impl Iterator<Item = (CredentialName, AppError)> + '_ {
        let unusable = self.inner.unusable.iter();
        unusable.map(|(name, one)| (name.clone(), one.error(name)))
    }

    pub(crate) fn is_configured(&self, name: &CredentialName) -> bool {
        self.inner.wirings.contains_key(name) || self.inner.unusable.contains_key(name)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.ports.clock.now()
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        self.inner.ports.journal.as_ref()
    }

    pub(crate) fn vault(&self) -> Vault {
        Vault {
            store: self.inner.ports.materials.clone(),
            keys: self.inner.ports.keys.clone(),
            entropy: self.inner.ports.entropy.clone(),
        }
    }

    /// The credential as the inventory knows it.
    pub(crate) async fn adopted(&self, name: &CredentialName) -> Result<Credential, AppError> {
        self.wiring(name)?;
        let known = self.credential(name).await?;
        known.ok_or_else(|| AppError::NotAdopted(name.clone()))
    }

    /// A version with its material, where it is still kept.
    pub(crate) async fn version(
        &self,
        credential: &CredentialName,
        version: &Version,
    ) -> Result<Option<VersionMaterial>, AppError> {
        let id = keywheel_domain::id::VersionId {
            credential: credential.clone(),
            number: version.number,
        };
        let material: Option<Material> = self.vault().find(&id).await?;
        Ok(material.map(|material| VersionMaterial {
            id,
            material,
            attributes: version.attributes.clone(),
        }))
    }

    pub(crate) fn new_rotation_id(&self) -> Result<RotationId, AppError> {
        let mut random = [0u8; 10];
        self.inner.ports.entropy.fill(&mut random)?;
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        Ok(RotationId::from_parts(millis, random))
    }
}
