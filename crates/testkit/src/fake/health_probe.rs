//! A health check on what instances really experience.

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{HealthProbe, Sample, Verdict};

use crate::world::World;

/// Healthy as long as what every instance runs is accepted, and nothing else is wrong with the company.
#[derive(Debug, Clone)]
pub struct FakeProbe {
    world: World,
}

impl FakeProbe {
    /// The health check of that company.
    pub fn new(world: &World) -> Self {
        Self { world: world.clone() }
    }
}

#[async_trait]
impl HealthProbe for FakeProbe {
    fn name(&self) -> &str {
        "health"
    }

    async fn sample(&self, _began: Option<Timestamp>) -> Sample {
        let suffering = self.world.look(|state| state.is_suffering());
        let detail = suffering.clone().unwrap_or_else(|| "all is well".to_owned());
        Sample {
            verdict: suffering.map_or(Verdict::Healthy, Verdict::Unhealthy),
            evidence: vec![Evidence::new(EvidenceKind::Health, "health", detail)],
        }
    }
}
