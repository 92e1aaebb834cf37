//! A place where retired versions are put away.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{Archive, ErrorKind, Finding, PortError, SealedMaterial, VersionMaterial};

use crate::world::{Deed, World};

/// The archive of a simulated company.
#[derive(Debug)]
pub struct FakeArchive {
    world: World,
    copies: Mutex<BTreeMap<VersionId, SealedMaterial>>,
}

impl FakeArchive {
    /// The archive of that company.
    pub fn new(world: &World) -> Self {
        Self {
            world: world.clone(),
            copies: Mutex::default(),
        }
    }

    /// An archive of another company that begins with what this one holds.
    #[must_use]
    pub fn fork(&self, world: &World) -> Self {
        Self {
            world: world.clone(),
            copies: Mutex::new(self.lock().clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VersionId, SealedMaterial>> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Archive for FakeArchive {
    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        Ok(vec![Finding::fine("archive", "it can be written")])
    }

    async fn archive(&self, version: &VersionMaterial, sealed: &SealedMaterial) -> Result<Evidence, PortError> {
        let id = &version.id;
        if self.lock().entry(id.clone()).or_insert_with(|| sealed.clone()) != sealed {
            let problem = format!("there is another copy of {id}; move it away");
            return Err(PortError::permanent(ErrorKind::Conflict, problem));
        }
        self.world.act(Deed::Archived(id.number), |state| {
            state.archived.insert(id.number);
            Ok(Evidence::new(EvidenceKind::Archived, id.to_string(), "put away"))
        })
    }

    async fn fetch(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        Ok(self.lock().get(id).cloned())
    }
}
