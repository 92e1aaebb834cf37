//! Sealed material in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{MaterialStore, PortError, SealedMaterial};

/// Sealed material in memory.
#[derive(Debug, Default)]
pub struct FakeMaterialStore {
    sealed: Mutex<BTreeMap<VersionId, Arc<SealedMaterial>>>,
}

impl FakeMaterialStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that begins with what this one holds and goes its own way from there.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            sealed: Mutex::new(self.lock().clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VersionId, Arc<SealedMaterial>>> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MaterialStore for FakeMaterialStore {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        let mut kept = self.lock();
        let kept = kept.entry(id.clone()).or_insert_with(|| Arc::new(sealed.clone()));
        Ok(SealedMaterial::clone(kept))
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        Ok(self.lock().get(id).map(|kept| SealedMaterial::clone(kept)))
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        self.lock().remove(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::contract::material_store;
    use crate::sample;

    #[test]
    fn it_keeps_the_contract() {
        let fresh = || -> Arc<dyn MaterialStore> { Arc::new(FakeMaterialStore::new()) };
        let checked = material_store::check(&|| std::future::ready(fresh()).boxed()).now_or_never();
        checked.expect("a fake never waits");
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let store = FakeMaterialStore::new();
        let put = |store: &FakeMaterialStore, number| {
            let kept = store
                .put(&sample::version_id(number), &sample::sealed(1))
                .now_or_never();
            kept.expect("a fake never waits").unwrap();
        };
        put(&store, 1);
        let fork = store.fork();
        put(&fork, 2);
        assert_eq!((store.lock().len(), fork.lock().len()), (1, 2));
    }
}
