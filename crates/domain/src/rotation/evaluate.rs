//! Reports of workloads and issuers, reduced to one verdict.

use jiff::Timestamp;

use super::Rotation;
use crate::evidence::{Evidence, EvidenceKind};
use crate::policy::EvidenceRule;
use crate::ports::{Sample, Usage, Verdict, WorkloadReport};
use crate::view::View;

impl Rotation {
    /// Whether every instance of every workload runs the view. An instance that does not say what it runs is *unknown*, and so
    /// is a workload that cannot be asked until the policy's time for that has passed.
    pub fn converged(&self, view: &View, reports: &[(String, WorkloadReport)], now: Timestamp) -> Sample {
        let adopted_at = self.step_since.saturating_add(self.plan().limits().adopt_within);
        converged(view, reports, now >= adopted_at.unwrap_or(Timestamp::MAX))
    }
}

fn converged(view: &View, reports: &[(String, WorkloadReport)], time_is_up: bool) -> Sample {
    let mut evidence = Vec::new();
    let mut behind = Vec::new();
    let mut silent = Vec::new();
    for (workload, report) in reports {
        match report {
            WorkloadReport::Untold(why) if !time_is_up => {
                silent.push(format!("{workload} to have picked it up ({why})"))
            }
            WorkloadReport::Untold(why) => evidence.push(Evidence::new(EvidenceKind::Instance, workload, why)),
            WorkloadReport::Instances(instances) if instances.is_empty() => {
                silent.push(format!("{workload} has no instance"))
            }
            WorkloadReport::Instances(instances) => {
                for instance in instances {
                    let name = format!("{workload}/{}", instance.name);
                    match instance.revision {
                        Some(revision) if revision == view.revision => {}
                        Some(revision) => behind.push(format!("{name} runs r{revision}")),
                        None => silent.push(format!("{name} does not say what it runs")),
                    }
                    evidence.push(Evidence::new(EvidenceKind::Instance, name, instance.detail.clone()));
                }
            }
        }
    }
    let verdict = match (behind.is_empty(), silent.is_empty()) {
        (true, true) => Verdict::Healthy,
        (false, _) => Verdict::Unhealthy(format!("r{} is not everywhere: {}", view.revision, behind.join(", "))),
        (true, false) => Verdict::Unknown(silent.join(", ")),
    };
    Sample { verdict, evidence }
}

/// Whether nobody uses the old version any more, as far as all that can tell do tell.
pub fn drained(usages: &[Usage], rule: EvidenceRule) -> Sample {
    let mut in_use = Vec::new();
    let mut unused = Vec::new();
    for usage in usages {
        match usage {
            Usage::InUse(evidence) => in_use.extend(evidence.iter().cloned()),
            Usage::Unused(evidence) => unused.extend(evidence.iter().cloned()),
            Usage::Untold => {}
        }
    }
    let told = usages.iter().any(|usage| *usage != Usage::Untold);
    if !in_use.is_empty() {
        let users = in_use
            .iter()
            .map(|fact| format!("{} ({})", fact.subject, fact.detail))
            .collect::<Vec<_>>();
        return Sample {
            verdict: Verdict::Unhealthy(format!("still used by {}", users.join(", "))),
            evidence: in_use,
        };
    }
    let verdict = match (told, rule) {
        (true, _) => Verdict::Healthy,
        (false, EvidenceRule::IfAvailable) => {
            unused.push(Evidence::new(
                EvidenceKind::Usage,
                "old version",
                "no backend can tell who uses it; the time that passed has to do",
            ));
            Verdict::Healthy
        }
        (false, EvidenceRule::Required) => Verdict::Unknown(
            "no backend can tell who uses the old version, and the policy requires evidence".to_owned(),
        ),
    };
    Sample {
        verdict,
        evidence: unused,
    }
}
