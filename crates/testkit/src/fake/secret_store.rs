//! A store that shows one view at a time.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Delivery, ErrorKind, Finding, PortError, SecretStore};
use keywheel_domain::view::View;

use crate::world::{Deed, Fingerprint, Shown, World};

/// One store of a simulated company.
#[derive(Debug, Clone)]
pub struct FakeStore {
    world: World,
    index: usize,
    name: String,
}

impl FakeStore {
    /// The store of that index.
    pub fn new(world: &World, index: usize) -> Self {
        Self {
            world: world.clone(),
            index,
            name: format!("store-{index}"),
        }
    }

    fn shown(&self) -> Option<View> {
        self.world
            .look(|state| state.stores[self.index].as_ref().map(|shown| shown.view.clone()))
    }
}

#[async_trait]
impl SecretStore for FakeStore {
    fn name(&self) -> &str {
        &self.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        Ok(vec![Finding::fine(&self.name, "it can be written")])
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let view = &delivery.view;
        if let Some(missing) = view
            .versions()
            .iter()
            .find(|number| delivery.version(**number).is_none())
        {
            let problem = format!("the delivery shows version {missing} and has no material of it");
            return Err(PortError::permanent(ErrorKind::Invalid, problem));
        }
        let shown = self.shown();
        let again = shown.as_ref().is_some_and(|shown| shown.revision == view.revision);
        if !again && shown.as_ref() != expected {
            let shows = shown.map_or("nothing".to_owned(), |shown| shown.to_string());
            let problem = format!(
                "{} shows {shows}, which is not what was expected; see who writes to it",
                self.name
            );
            return Err(PortError::permanent(ErrorKind::Conflict, problem));
        }
        self.world.act(Deed::Delivered(view.revision), |state| {
            for version in &delivery.versions {
                state.learn(version.id.number, Fingerprint::of(&version.material));
            }
            state.stores[self.index] = Some(Arc::new(Shown::new(view, &delivery.versions)));
            Ok(Evidence::new(EvidenceKind::Delivered, &self.name, view.to_string()))
        })
    }

    async fn read_back(&self, _credential: &CredentialName) -> Result<Option<View>, PortError> {
        Ok(self.shown())
    }
}
