//! The system's clock.

use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;

/// Real time and real sleep. Sleeping needs a tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// One beginning for all clocks of the process, so that their readings can be compared.
static BEGINNING: OnceLock<Instant> = OnceLock::new();

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that the rest of the program takes its time from"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that the rest of the program takes its time from"
    )]
    fn monotonic(&self) -> SignedDuration {
        let beginning = BEGINNING.get_or_init(Instant::now);
        SignedDuration::try_from(beginning.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that the rest of the program sleeps through"
    )]
    async fn sleep(&self, time: SignedDuration) {
        tokio::time::sleep(time.max(SignedDuration::ZERO).unsigned_abs()).await;
    }
}
