//! Somebody who is told.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Notice, Notifier, PortError};

/// Remembers every notice, and which are open.
#[derive(Debug, Default)]
pub struct FakeNotifier {
    notices: Mutex<BTreeMap<RotationId, Told>>,
}

/// What was said about one rotation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether its notice is open.
    pub open: bool,
    /// Everything that was said, in order.
    pub notices: Vec<Notice>,
}

impl FakeNotifier {
    /// Somebody who knows what this one knows.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            notices: Mutex::new(self.lock().clone()),
        }
    }

    /// What was said about the rotation.
    pub fn told(&self, rotation: &RotationId) -> Told {
        self.lock().get(rotation).cloned().unwrap_or_default()
    }

    fn note(&self, notice: &Notice, open: bool) {
        let mut notices = self.lock();
        let told = notices.entry(notice.rotation.clone()).or_default();
        told.open = open;
        told.notices.push(notice.clone());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RotationId, Told>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for FakeNotifier {
    fn name(&self) -> &str {
        "people"
    }

    async fn tell(&self, notice: &Notice) -> Result<(), PortError> {
        self.note(notice, true);
        Ok(())
    }

    async fn close(&self, notice: &Notice) -> Result<(), PortError> {
        self.note(notice, false);
        Ok(())
    }
}
