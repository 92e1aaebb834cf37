//! What every health probe has to keep.

use std::sync::Arc;

use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::ports::{HealthProbe, Sample, Verdict};

/// One probe for each state of what it looks at.
#[derive(Debug, Clone)]
pub struct Probes {
    /// It looks at something that is well.
    pub healthy: Arc<dyn HealthProbe>,
    /// It looks at something that is not.
    pub unhealthy: Arc<dyn HealthProbe>,
    /// They cannot tell, each for another reason.
    pub unknown: Vec<Arc<dyn HealthProbe>>,
}

/// Runs every check.
///
/// # Panics
/// Where a probe breaks the contract.
pub async fn check(probes: &Probes) {
    what_is_well_is_healthy(&*probes.healthy).await;
    what_is_not_well_is_unhealthy_and_says_why(&*probes.unhealthy).await;
    for probe in &probes.unknown {
        what_cannot_be_told_is_unknown_and_says_why(&**probe).await;
    }
}

async fn sample(probe: &dyn HealthProbe) -> Sample {
    let sample = probe.sample(None).await;
    assert!(!probe.name().is_empty(), "a probe has a name for people");
    assert!(!sample.evidence.is_empty(), "a verdict rests on something");
    for fact in &sample.evidence {
        assert_eq!(fact.kind, EvidenceKind::Health);
        assert!(!fact.subject.is_empty() && !fact.detail.is_empty(), "{fact:?}");
    }
    sample
}

/// Each time anew.
pub async fn what_is_well_is_healthy(probe: &dyn HealthProbe) {
    for _ in 0..2 {
        assert_eq!(sample(probe).await.verdict, Verdict::Healthy);
    }
}

/// The reason is for people.
pub async fn what_is_not_well_is_unhealthy_and_says_why(probe: &dyn HealthProbe) {
    match sample(probe).await.verdict {
        Verdict::Unhealthy(why) => assert!(!why.is_empty()),
        verdict @ (Verdict::Healthy | Verdict::Unknown(_)) => panic!("{} says {verdict:?}", probe.name()),
    }
}

/// It never fails and never passes.
pub async fn what_cannot_be_told_is_unknown_and_says_why(probe: &dyn HealthProbe) {
    match sample(probe).await.verdict {
        Verdict::Unknown(why) => assert!(!why.is_empty()),
        verdict @ (Verdict::Healthy | Verdict::Unhealthy(_)) => panic!("{} says {verdict:?}", probe.name()),
    }
}
