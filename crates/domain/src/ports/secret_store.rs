//! Where consumers read a credential.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Finding, PortError, VersionMaterial};
use crate::evidence::Evidence;
use crate::id::{CredentialName, RotationId, VersionNumber};
use crate::view::View;

/// A view with the material of every version in it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Which credential.
    pub credential: CredentialName,
    /// The rotation that delivers, for labels and logs; `None` for an adoption.
    pub rotation: Option<RotationId>,
    /// What to show.
    pub view: View,
    /// The versions that the view shows, by their numbers.
    pub versions: Vec<VersionMaterial>,
}

impl Delivery {
    /// The version of that number, where the view shows it.
    pub fn version(&self, number: VersionNumber) -> Option<&VersionMaterial> {
        self.versions.iter().find(|version| version.id.number == number)
    }
}

/// Where consumers read a credential: a folder of files, a Kubernetes Secret, a secrets manager.
#[async_trait]
pub trait SecretStore: Send + Sync + Debug {
    /// The store's name for people.
    fn name(&self) -> &str;

    /// Looks at whether a delivery would work: reachability, rights, room. Changes nothing.
    async fn preflight(&self) -> Result<Vec<Finding>, PortError>;

    /// Shows the view, all of it at once: no reader ever sees a part of one view and a part of another.
    ///
    /// A compare-and-swap: it succeeds where the store shows `expected` (or nothing, where `expected` is `None`), and where it
    /// shows the view's own revision already, in which case it makes sure that the content is whole. A call that timed out may
    /// be repeated.
    ///
    /// # Errors
    /// `Conflict` where the store shows anything else: somebody else writes to it.
    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError>;

    /// The view that the store shows now; `None` where it shows none of ours.
    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError>;
}
