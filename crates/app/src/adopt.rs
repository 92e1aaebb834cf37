//! Taking an existing credential over.

use jiff::Timestamp;
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, Revision, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{Delivery, VersionMaterial};
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

/// Has the issuer accept a version that it does not know. Of a key ring the verifiers accept, by what is delivered to them.
async fn accept(wiring: &Wiring, version: &VersionMaterial) -> Result<(), AppError> {
    match wiring.shape().overlap {
        Overlap::TwoVersions => drop(wiring.issuer.stage(version).await?),
        Overlap::OneVersion => drop(wiring.issuer.replace(version).await?),
        Overlap::KeyRing => {}
    }
    Ok(())
}

impl Keywheel {
    /// Takes an existing credential over as version 1: checks it, seals it, shows it in every store in Keywheel's form, and proves
    /// that it authenticates. `created_at` anchors its first due date. Repeating a call that was cut off finishes it.
    ///
    /// # Errors
    /// [`AppError::AlreadyAdopted`]; a backend's error where the material is not usable. Nothing is adopted then.
    pub async fn adopt(
        &self,
        name: &CredentialName,
        material: &Material,
        created_at: Timestamp,
        by: &str,
    ) -> Result<Credential, AppError> {
        self.take_over(name, material, created_at, (by, Origin::Existing)).await
    }

    async fn take_over(
        &self,
        name: &CredentialName,
        material: &Material,
        created_at: Timestamp,
        (by, origin): (&str, Origin),
    ) -> Result<Credential, AppError> {
        let wiring = self.wiring(name)?;
        if self.journal().credential(name).await?.is_some() {
            return Err(AppError::AlreadyAdopted(name.clone()));
        }
        let attributes = wiring.issuer.describe(material)?;
        let number = VersionNumber(1);
        let id = VersionId {
            credential: name.clone(),
            number,
        };
        let kept = self.vault().keep(&id, material).await?;
        let version = VersionMaterial {
            id,
            attributes: wiring.issuer.describe(&kept)?,
            material: kept,
        };
        if version.attributes != attributes {
            return Err(self.other_material(name));
        }
        if origin == Origin::Made {
            accept(wiring, &version).await?;
        }
        let view = View::new(Revision(1), number, [number]);
        let delivery = Delivery {
            credential: name.clone(),
            rotation: None,
            view: view.clone(),
            versions: vec![version.clone()],
        };
        for store in &wiring.stores {
            store.deliver(&delivery, None).await?;
        }
        wiring.issuer.prove(&version).await?;
        let now = self.now();
        let credential = Credential::adopted(name.clone(), attributes, view, created_at, now).scheduled(&wiring.policy);
        // The record comes first: a crash between the two leaves an adoption that is repeated, not one that nobody recorded.
        let record = self.audit_adoption(&credential, by, now);
        self.inner.ports.audit.append(&record).await?;
        self.journal().adopt(&credential).await?;
        Ok(credential)
    }

    /// Makes version 1 of a credential that does not exist yet, and has its issuer accept it.
    ///
    /// # Errors
    /// As [`Keywheel::adopt`].
    pub async fn create(&self, name: &CredentialName, by: &str) -> Result<Credential, AppError> {
        let wiring = self.wiring(name)?;
        let id = VersionId {
            credential: name.clone(),
            number: VersionNumber(1),
        };
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

    fn other_material(&self, name: &CredentialName) -> AppError {
        use keywheel_domain::ports::{ErrorKind, PortError};
        let message = format!(
            "an earlier adoption of {name} that was cut off sealed other material; give it that one, or remove the state file if nothing else is in it"
        );
        PortError::permanent(ErrorKind::Conflict, message).into()
    }
}
