//! Health as metrics and alerts tell it.

mod alert;
mod query;

use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{Sample, Verdict};

pub use alert::AlertProbe;
pub use query::QueryProbe;

/// One look with its one fact.
fn sample(name: &str, verdict: Verdict, healthy: &str) -> Sample {
    let detail = match &verdict {
        Verdict::Healthy => healthy.to_owned(),
        Verdict::Unhealthy(why) => format!("unhealthy: {why}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    };
    let evidence = vec![Evidence::new(EvidenceKind::Health, name, detail)];
    Sample { verdict, evidence }
}
