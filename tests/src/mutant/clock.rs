//! A driver that does not wait.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;

/// Its days are short: of every length of time that it sleeps, it sleeps a tenth, and counts all of it as passed.
#[derive(Debug)]
pub(super) struct Impatient {
    inner: Arc<dyn Clock>,
    ahead: Mutex<SignedDuration>,
}

impl Impatient {
    pub(super) fn new(inner: &Arc<dyn Clock>) -> Self {
        let inner = Arc::clone(inner);
        let ahead = Mutex::new(SignedDuration::ZERO);
        Self { inner, ahead }
    }

    fn ahead(&self) -> SignedDuration {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        self.inner.now().saturating_add(self.ahead()).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> SignedDuration {
        self.inner.monotonic().saturating_add(self.ahead())
    }

    async fn sleep(&self, time: SignedDuration) {
        let slept = time / 10;
        self.inner.sleep(slept).await;
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(time.saturating_sub(slept));
    }
}
