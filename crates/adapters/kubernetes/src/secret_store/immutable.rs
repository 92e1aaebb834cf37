//! Secrets that never change: one for each delivery, and one that says which is shown.

use keywheel_domain::ports::{ErrorKind, PortError};

use super::body::{self, Shape};
use super::keys::Keys;
use super::owners::MANAGER;
use super::{KubernetesSecret, Shown};
use crate::api::Call;
use crate::error::Failure;
use crate::marker::Marker;

impl KubernetesSecret {
    /// Makes the delivery's own Secret, whole from its beginning; its name.
    pub(super) async fn keep(&self, marker: &Marker, keys: &Keys) -> Result<String, PortError> {
        let name = format!("{}-r{}", self.secret_name, marker.view().revision);
        let shape = Shape {
            name: &name,
            secret_type: self.secret_type.as_deref(),
            resource_version: None,
            immutable: true,
        };
        let doing = format!("create {} ({name})", self.name);
        let made = async {
            let path = format!("{}?fieldManager={MANAGER}", self.folder().await?);
            let call = Call::post(path, body::of(&shape, marker, keys));
            self.cluster.call(&call.metadata_only().with_material()).await
        };
        match made.await {
            Ok(_) => Ok(name),
            Err(failure) if is_there(&failure) => self.is_ours(name, marker).await,
            Err(failure) => Err(failure.changing(&doing)),
        }
    }

    /// What is there already has to be this very delivery, whose answer was lost. It cannot have changed since.
    async fn is_ours(&self, name: String, wanted: &Marker) -> Result<String, PortError> {
        match self.look_at(&name).await? {
            Shown::Ours(_, found) if found == *wanted => Ok(name),
            _ => {
                let message = format!(
                    "the Secret {name} is there and is not this delivery; see what it is, and delete it if nobody needs it"
                );
                Err(PortError::permanent(ErrorKind::Conflict, message))
            }
        }
    }
}

fn is_there(failure: &Failure) -> bool {
    failure.said().is_some_and(|said| said.reason == "AlreadyExists")
}
