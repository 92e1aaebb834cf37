//! The system's clock with a date that can be put forward.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;
use keywheel_local::SystemClock;

/// Real seconds of a year that is not this one.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    ahead_seconds: AtomicI64,
}

impl Calendar {
    pub(super) fn turn(&self, by: SignedDuration) {
        self.ahead_seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.ahead_seconds.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> SignedDuration {
        SystemClock.monotonic()
    }

    async fn sleep(&self, time: SignedDuration) {
        SystemClock.sleep(time).await;
    }
}
