//! Whether the system that consumes a credential is well enough to rotate it: a sick one is left alone.

use futures_util::future::join_all;
use jiff::Timestamp;
use keywheel_domain::ports::{Finding, HealthProbe, Verdict};
use keywheel_domain::trigger::Trigger;

use crate::wiring::Wiring;

const FIX: &str = "a system that is not well is not rotated: wait until it is, or mend the probe";

/// One finding for each probe. What is not well, or cannot be told, may pass without anybody's doing.
pub(crate) async fn findings(wiring: &Wiring, began: Option<Timestamp>) -> Vec<Finding> {
    let looks = wiring.probes.iter().map(|probe| finding(probe.as_ref(), began));
    join_all(looks).await
}

/// The same for a rotation. An emergency does not wait for health: what is wrong may be the reason for it.
pub(crate) async fn findings_for(wiring: &Wiring, trigger: &Trigger, began: Timestamp) -> Vec<Finding> {
    let found = findings(wiring, Some(began)).await;
    match trigger {
        Trigger::Emergency { .. } => found.into_iter().map(as_warning).collect(),
        _ => found,
    }
}

async fn finding(probe: &dyn HealthProbe, began: Option<Timestamp>) -> Finding {
    let sample = probe.sample(began).await;
    let detail = match sample.verdict {
        Verdict::Healthy => {
            let seen: Vec<_> = sample.evidence.into_iter().map(|fact| fact.detail).collect();
            return Finding::fine(probe.name(), seen.join(", "));
        }
        Verdict::Unhealthy(why) => why,
        Verdict::Unknown(why) => format!("it cannot be told whether all is well: {why}"),
    };
    Finding {
        may_pass: true,
        ..Finding::blocker(probe.name(), detail, FIX)
    }
}

fn as_warning(finding: Finding) -> Finding {
    match finding.fix.is_empty() {
        true => finding,
        false => Finding::warning(finding.subject, finding.detail, finding.fix),
    }
}
