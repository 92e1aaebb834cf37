//! A store that costs nothing: what writing files or asking a cluster costs is measured where those are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Delivery, ErrorKind, Finding, PortError, SecretStore};
use keywheel_domain::view::View;

/// What each credential's consumers would see.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<HashMap<CredentialName, View>>);

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, HashMap<CredentialName, View>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SecretStore for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        Ok(vec![Finding::fine(self.name(), "there is room")])
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let mut shown = self.lock();
        let there = shown.get(&delivery.credential);
        if there != expected && there != Some(&delivery.view) {
            return Err(PortError::permanent(ErrorKind::Conflict, "it shows something else"));
        }
        shown.insert(delivery.credential.clone(), delivery.view.clone());
        Ok(Evidence::new(
            EvidenceKind::Delivered,
            self.name(),
            delivery.view.to_string(),
        ))
    }

    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        Ok(self.lock().get(credential).cloned())
    }
}
