//! Whether the system that consumes a credential is well.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Sample;

/// A health check or a metric.
#[async_trait]
pub trait HealthProbe: Send + Sync + Debug {
    /// The probe's name for people.
    fn name(&self) -> &str;

    /// One look. It never fails: what cannot be told is `Unknown`, which holds a rotation and never passes.
    async fn sample(&self) -> Sample;
}
