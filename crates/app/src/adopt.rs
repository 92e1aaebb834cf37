//! Taking an existing credential over.

use jiff::Timestamp;
use keywheel_domain::credential::Credential;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{CredentialName, Revision, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{Delivery, ErrorKind, PortError, VersionMaterial};
use keywheel_domain::view::View;

use crate::error::AppError;
use crate::facade::Keywheel;
use crate::wiring::Wiring;

/// Whether the issuer knows version 1 already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Existing,
    Made,
}

/// A credential that was taken over.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// As the inventory has it now.
    pub credential: Credential,
    /// What each store said when it showed it, and what became of the files that were in its place.
    pub evidence: Vec<Evidence>,
}

/// Has the issuer accept a version that it does not know. Of a key ring the verifiers accept, by what is delivered to them.
async fn accept(wiring: &Wiring, version: &VersionMaterial) -> Result<(), AppError> {
    match wiring.shape().overlap {
        Overlap::TwoVersions => drop(wiring.issuer.stage(version).await?),
        Overlap::OneVersion => drop(wiring.issuer.replace(version).await?),
        Overlap::KeyRing => return Ok(()),
    }
    wiring.issuer.prove(version).await?;
    Ok(())
}

/// Whether an existing version is accepted, as far as that shows before it is delivered: the first delivery may be what makes
/// the files of a key ring's verifiers. Verifiers that can be read already have to accept it.
async fn prove_existing(wiring: &Wiring, version: &VersionMaterial) -> Result<(), AppError> {
    match wiring.issuer.prove(version).await {
        Err(error) if is_unread(wiring, &error) => Ok(()),
        proved => Ok(proved.map(drop)?),
    }
}

fn is_unread(wiring: &Wiring, error: &PortError) -> bool {
    wiring.shape().overlap == Overlap::KeyRing && error.kind == ErrorKind::Unavailable
}

impl Keywheel {
    /// Takes an existing credential over as version 1: checks it, proves that it authenticates, seals it, and shows it in every
    /// store in Keywheel's form. `created_at` anchors its first due date. Repeating a call that was cut off finishes it.
    ///
    /// # Errors
    /// [`AppError::AlreadyAdopted`]; a backend's error where the material is not usable. Nothing is adopted then.
    pub async fn adopt(
        &self,
        name: &CredentialName,
        material: &Material,
        created_at: Timestamp,
        by: &str,
    ) -> Result<Adopted, AppError> {
        self.take_over(name, material, created_at, (by, Origin::Existing)).await
    }

    async fn take_over(
        &self,
        name: &CredentialName,
        material: &Material,
        created_at: Timestamp,
        (by, origin): (&str, Origin),
    ) -> Result<Adopted, AppError> {
        let wiring = self.wiring(name)?;
        if self.journal().credential(name).await?.is_some() {
            return Err(AppError::AlreadyAdopted(name.clone()));
        }
        let version = VersionMaterial {
            id: first(name),
            attributes: wiring.issuer.describe(material)?,
            material: material.clone(),
        };
        if origin == Origin::Existing {
            prove_existing(wiring, &version).await?;
        }
        self.make_way(wiring, &version).await?;
        self.vault().keep(&version.id, material).await?;
        self.has_kept(&version).await?;
        if origin == Origin::Made {
            accept(wiring, &version).await?;
        }
        let view = View::new(Revision(1), version.id.number, [version.id.number]);
        let evidence = deliver(wiring, &version, &view).await?;
        if wiring.shape().overlap == Overlap::KeyRing {
            wiring.issuer.prove(&version).await?;
        }
        // Nobody else who adopts at this moment has sealed other material in the meantime.
        self.has_kept(&version).await?;
        let now = self.now();
        let credential =
            Credential::adopted(name.clone(), version.attributes, view, created_at, now).scheduled(&wiring.policy);
        // The record comes first: a crash between the two leaves an adoption that is repeated, not one that nobody recorded.
        let record = self.audit_adoption(&credential, by, now, &evidence);
        self.inner.ports.audit.append(&record).await?;
        self.journal().adopt(&credential).await?;
        Ok(Adopted { credential, evidence })
    }

    /// Forgets what an adoption that failed has sealed, where that is other material and nobody uses it.
    async fn make_way(&self, wiring: &Wiring, version: &VersionMaterial) -> Result<(), AppError> {
        let (id, name) = (&version.id, &version.id.credential);
        let Some(material) = self.vault().find(id).await? else {
            return Ok(());
        };
        if *material.encode() == *version.material.encode() {
            return Ok(());
        }
        for store in &wiring.stores {
            if store.read_back(name).await?.is_some() {
                return Err(conflict(format!(
                    "an earlier adoption of {name} was cut off when {} showed other material already; finish it by adopting what is shown there, and rotate then",
                    store.name()
                )));
            }
        }
        let earlier = VersionMaterial {
            id: id.clone(),
            attributes: wiring.issuer.describe(&material)?,
            material,
        };
        match wiring.issuer.prove(&earlier).await {
            Ok(_) => Err(conflict(format!(
                "an earlier adoption of {name} was cut off, and the other material that it sealed is accepted; finish it with `keywheel adopt {name} --create`, which takes what is sealed, and rotate then"
            ))),
            Err(error) if error.kind == ErrorKind::Refused || is_unread(wiring, &error) => {
                Ok(self.inner.ports.materials.destroy(id).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn has_kept(&self, version: &VersionMaterial) -> Result<(), AppError> {
        let kept = self.vault().find(&version.id).await?;
        if kept.is_some_and(|kept| *kept.encode() == *version.material.encode()) {
            return Ok(());
        }
        let name = &version.id.credential;
        Err(conflict(format!(
            "somebody else is adopting {name} with other material right now; see who does, and repeat this one"
        )))
    }

    /// Makes version 1 of a credential that does not exist yet, and has its issuer accept it.
    ///
    /// # Errors
    /// As [`Keywheel::adopt`].
    pub async fn create(&self, name: &CredentialName, by: &str) -> Result<Adopted, AppError> {
        let wiring = self.wiring(name)?;
        let id = first(name);
        let material = match self.vault().find(&id).await? {
            Some(material) => material,
            None => {
                wiring
                    .issuer
                    .generate(&id, None, self.inner.ports.entropy.as_ref())
                    .await?
            }
        };
        self.take_over(name, &material, self.now(), (by, Origin::Made)).await
    }
}

fn first(name: &CredentialName) -> VersionId {
    VersionId {
        credential: name.clone(),
        number: VersionNumber(1),
    }
}

async fn deliver(wiring: &Wiring, version: &VersionMaterial, view: &View) -> Result<Vec<Evidence>, AppError> {
    let delivery = Delivery {
        credential: version.id.credential.clone(),
        rotation: None,
        view: view.clone(),
        versions: vec![version.clone()],
    };
    let mut evidence = Vec::new();
    for store in &wiring.stores {
        evidence.push(store.deliver(&delivery, None).await?);
    }
    Ok(evidence)
}

fn conflict(message: String) -> AppError {
    PortError::permanent(ErrorKind::Conflict, message).into()
}
