//! Time and sleep.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// The only source of time and sleep.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// The time of the wall clock. It may jump, in both directions.
    fn now(&self) -> Timestamp;

    /// Time since some moment before the process's first call; never jumps. For measuring, not for dates.
    fn monotonic(&self) -> SignedDuration;

    /// Returns after that time.
    async fn sleep(&self, time: SignedDuration);
}
