//! Whether the system that consumes a credential is well.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Sample;

/// A health check or a metric.
#[async_trait]
pub trait HealthProbe: Send + Sync + Debug {
    /// The probe's name for people.
    fn name(&self) -> &str;

    /// One look. It never fails: what cannot be told is `Unknown`, which holds a rotation and never passes.
    ///
    /// `began` is when the rotation began that asks, for probes that compare with how things were before it; `None` where none
    /// is running, and then it is compared with now.
    async fn sample(&self, began: Option<Timestamp>) -> Sample;
}
