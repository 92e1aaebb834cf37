//! A driver that treats material wrongly.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{MaterialStore, PortError, SealedMaterial};

/// Before it makes material, it does not look whether an earlier attempt made it already; and it keeps the last one.
#[derive(Debug)]
pub(super) struct Regenerating {
    inner: Arc<dyn MaterialStore>,
    /// The versions that this process asked for once.
    asked: Mutex<BTreeSet<VersionId>>,
}

impl Regenerating {
    pub(super) fn new(inner: &Arc<dyn MaterialStore>) -> Self {
        let inner = Arc::clone(inner);
        let asked = Mutex::default();
        Self { inner, asked }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<VersionId>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MaterialStore for Regenerating {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        if self.inner.get(id).await?.is_some() {
            self.inner.destroy(id).await?;
        }
        self.inner.put(id, sealed).await
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        let new = id.number.0 > 1;
        if new && self.lock().insert(id.clone()) {
            return Ok(None);
        }
        self.inner.get(id).await
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        self.inner.destroy(id).await
    }
}
