//! A Secret that consumers read, applied under Keywheel's own name with the version that it was read at.

mod body;
mod check;
mod immutable;
mod keys;
mod owners;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Clock, Delivery, ErrorKind, Finding, PortError, SecretStore};
use keywheel_domain::view::View;
use serde_json::{Value, json};

use crate::api::{Call, Patch};
use crate::cluster::{Cluster, Clusters};
use crate::config::SecretConfig;
use crate::error::Failure;
use crate::marker::Marker;

use body::Shape;
use keys::{Keys, Specs};
use owners::{MANAGER, Owners};

/// A Secret in a cluster.
#[derive(Debug)]
pub struct KubernetesSecret {
    name: String,
    cluster: Arc<Cluster>,
    namespace: Option<String>,
    secret_name: String,
    secret_type: Option<String>,
    immutable: bool,
    specs: Specs,
    replace_existing: Option<bool>,
}

/// What a Secret shows.
enum Shown {
    Absent,
    /// It is there and shows nothing of ours; its metadata.
    Foreign(Value),
    Ours(Value, Marker),
}

impl KubernetesSecret {
    /// Reads templates; touches no network.
    ///
    /// # Errors
    /// `Invalid` for keys that cannot be, and for templates that do not compile.
    pub fn new(
        config: &SecretConfig,
        base: &Path,
        clock: &Arc<dyn Clock>,
        clusters: &Clusters,
    ) -> Result<Self, PortError> {
        let place = config.namespace.as_ref().map(|namespace| format!("{namespace}/"));
        let usual = format!("Secret {}{}", place.unwrap_or_default(), config.secret_name);
        Ok(Self {
            name: config.name.clone().unwrap_or(usual),
            cluster: clusters.get(&config.cluster, base, clock),
            namespace: config.namespace.clone(),
            secret_name: config.secret_name.clone(),
            secret_type: config.secret_type.clone(),
            immutable: config.immutable,
            specs: Specs::new(config)?,
            replace_existing: config.replace_existing,
        })
    }

    async fn folder(&self) -> Result<String, Failure> {
        let namespace = self.cluster.namespace(self.namespace.as_deref()).await?;
        Ok(format!("/api/v1/namespaces/{namespace}/secrets"))
    }

    /// Looks without seeing material.
    async fn shown(&self) -> Result<Shown, PortError> {
        self.look_at(&self.secret_name).await
    }

    async fn look_at(&self, secret: &str) -> Result<Shown, PortError> {
        let path = async { Ok(format!("{}/{secret}", self.folder().await?)) };
        let doing = format!("read {} ({secret})", self.name);
        let path = path.await.map_err(|failure: Failure| failure.looking(&doing))?;
        match self.cluster.call(&Call::get(path).metadata_only()).await {
            Ok(object) => {
                let metadata = object["metadata"].clone();
                Ok(match Marker::read(&metadata, &self.name)? {
                    Some(marker) => Shown::Ours(metadata, marker),
                    None => Shown::Foreign(metadata),
                })
            }
            Err(failure) if failure.is(404) => Ok(Shown::Absent),
            Err(failure) => Err(failure.looking(&doing)),
        }
    }

    /// Makes an empty Secret, so that whoever else makes one at the same moment is noticed: applying would merge both.
    async fn create(&self) -> Result<Value, Failure> {
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": self.secret_type.as_deref().unwrap_or("Opaque"),
            "metadata": {"name": self.secret_name},
        });
        let path = format!("{}?fieldManager={MANAGER}", self.folder().await?);
        let made = self.cluster.call(&Call::create(path, &object).metadata_only()).await?;
        Ok(made["metadata"].clone())
    }

    /// Applies all keys at once over exactly the object that was read.
    async fn apply(&self, metadata: &Value, marker: &Marker, keys: &Keys, force: bool) -> Result<Value, Failure> {
        let Some(resource_version) = metadata["resourceVersion"].as_str() else {
            return Err(Failure::Garbled("a Secret's metadata"));
        };
        let shape = Shape {
            name: &self.secret_name,
            secret_type: None,
            resource_version: Some(resource_version),
            immutable: false,
        };
        let path = format!(
            "{}/{}?fieldManager={MANAGER}&force={force}",
            self.folder().await?,
            self.secret_name
        );
        let call = Call::patch(path, Patch::Apply, body::of(&shape, marker, keys));
        let applied = self.cluster.call(&call.metadata_only().with_material()).await?;
        Ok(applied["metadata"].clone())
    }

    fn conflict(&self, found: &str, expected: Option<&View>) -> PortError {
        let wanted = expected.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let name = &self.name;
        PortError::permanent(
            ErrorKind::Conflict,
            format!(
                "{name} was expected to show {wanted} and shows {found}; find out who else writes it before you go on"
            ),
        )
    }

    /// The metadata to write over; `None` where there is no Secret yet.
    fn compare(&self, shown: Shown, delivery: &Delivery, expected: Option<&View>) -> Result<Option<Value>, PortError> {
        match shown {
            Shown::Absent if expected.is_none() => Ok(None),
            Shown::Foreign(metadata) if expected.is_none() => Ok(Some(metadata)),
            Shown::Absent | Shown::Foreign(_) => Err(self.conflict("nothing", expected)),
            Shown::Ours(_, marker) if marker.credential != delivery.credential => {
                Err(self.conflict(&format!("the credential {}", marker.credential), expected))
            }
            Shown::Ours(metadata, marker) => {
                let view = marker.view();
                if view == delivery.view || Some(&view) == expected {
                    Ok(Some(metadata))
                } else {
                    Err(self.conflict(&view.to_string(), expected))
                }
            }
        }
    }
}

#[async_trait]
impl SecretStore for KubernetesSecret {
    fn name(&self) -> &str {
        &self.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.findings().await
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let mut keys = self.specs.render(delivery)?;
        let mut marker = Marker::of(delivery, keys.keys().cloned());
        let names = marker.keys.iter().cloned().collect::<Vec<_>>().join(", ");
        let metadata = self.compare(self.shown().await?, delivery, expected)?;
        if self.immutable {
            let secret = self.keep(&marker, &keys).await?;
            (marker, keys) = (marker.pointing_at(secret), Keys::new());
        }
        let metadata = match metadata {
            Some(metadata) => metadata,
            None => {
                let made = self.create().await;
                made.map_err(|failure| failure.changing(&format!("create {}", self.name)))?
            }
        };
        let force = self.replace_existing.unwrap_or(delivery.rotation.is_none());
        let applied = self.apply(&metadata, &marker, &keys, force).await;
        let applied = applied.map_err(|failure| failure.changing(&format!("apply {}", self.name)))?;
        tracing::info!(store = self.name, credential = %delivery.credential, view = %delivery.view, "delivered");
        let version = applied["resourceVersion"].as_str().unwrap_or("unknown");
        let detail = format!("{} at resource version {version}: {names}", delivery.view);
        Ok(Evidence::new(EvidenceKind::Delivered, self.name(), detail))
    }

    /// Says nothing about a Secret whose keys somebody else has overwritten since: it is an error that names him.
    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        let Shown::Ours(metadata, marker) = self.shown().await? else {
            return Ok(None);
        };
        if marker.credential != *credential {
            return Ok(None);
        }
        let lost = Owners::of(&metadata).lost(&marker.keys);
        if lost.is_empty() {
            return Ok(Some(marker.view()));
        }
        let message = format!(
            "{} was changed after Keywheel wrote it: {}; take the keys out of what that manager applies",
            self.name,
            owners::story(&lost)
        );
        Err(PortError::permanent(ErrorKind::Conflict, message))
    }
}
