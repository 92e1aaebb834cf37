//! What is looked at for each watched step.

use jiff::SignedDuration;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::plan::{Action, Watch};
use keywheel_domain::ports::{HealthProbe, Notice, PortError, Sample, Usage, Verdict, WorkloadReport};
use keywheel_domain::rotation::drained;
use keywheel_domain::view::View;

use super::Driver;
use super::patience::within;

impl Driver<'_> {
    pub(super) async fn sample(&self, action: &Action) -> Sample {
        match action {
            Action::Announce { notice } => self.sample_announcement(*notice).await,
            Action::Converge { view } => self.sample_convergence(view).await,
            Action::Watch {
                watch: Watch::Outlast,
                length,
                ..
            } => {
                let detail = format!("what was signed lives at most {length:#}");
                healthy(vec![Evidence::new(EvidenceKind::Elapsed, "live tokens", detail)])
            }
            Action::Watch { .. } => self.sample_health().await,
            Action::Drain { version } => self.sample_usage(*version).await,
            _ => healthy(Vec::new()),
        }
    }

    async fn sample_announcement(&self, notice: SignedDuration) -> Sample {
        let told_already = self
            .rotation()
            .watched()
            .is_some_and(|w| w.verdict == keywheel_domain::rotation::Observed::Healthy);
        if told_already {
            return healthy(Vec::new());
        }
        let message = format!(
            "{} will be rotated ({})",
            self.rotation().credential(),
            self.rotation().trigger().reason()
        );
        match self.tell(message, false).await {
            Ok(evidence) if evidence.is_empty() => healthy(vec![nobody_told()]),
            Ok(evidence) => healthy(evidence),
            // Who asked for it knows of it; what was promised ahead of time has to reach somebody.
            Err(error) if notice.is_zero() => {
                healthy(vec![Evidence::new(EvidenceKind::Notified, "nobody", error.chain())])
            }
            Err(error) => unknown(format!("people to be told: {}", error.chain())),
        }
    }

    /// Tells everybody who is to be told.
    pub(super) async fn tell(&self, message: String, needs_action: bool) -> Result<Vec<Evidence>, PortError> {
        let notice = self.notice_of(message, needs_action);
        let mut evidence = Vec::new();
        for notifier in &self.wiring.notifiers {
            within(self.app, self.limit(), notifier.tell(&notice)).await?;
            evidence.push(Evidence::new(EvidenceKind::Notified, notifier.name(), &notice.message));
        }
        Ok(evidence)
    }

    pub(super) fn notice_of(&self, message: String, needs_action: bool) -> Notice {
        Notice {
            rotation: self.rotation().id().clone(),
            credential: self.rotation().credential().clone(),
            at: self.now(),
            message: self.memory.text(&message),
            needs_action,
        }
    }

    async fn sample_convergence(&self, view: &View) -> Sample {
        let mut reports = Vec::new();
        for workload in &self.wiring.workloads {
            let report = within(self.app, self.limit(), workload.report(self.rotation().credential())).await;
            match report {
                Ok(report) => reports.push((workload.name().to_owned(), report)),
                Err(error) => return unknown(format!("{}: {}", workload.name(), error.chain())),
            }
        }
        if reports.is_empty() {
            let nobody = WorkloadReport::Untold("no workload is configured".to_owned());
            reports.push(("consumers".to_owned(), nobody));
        }
        self.rotation().converged(view, &reports, self.now())
    }

    async fn sample_health(&self) -> Sample {
        self.sing_unless_just_heard().await;
        if let Some(why) = self.canary.last_refusal() {
            return Sample {
                verdict: Verdict::Unhealthy(format!("the canary was refused: {why}")),
                evidence: Vec::new(),
            };
        }
        let mut worst = healthy(Vec::new());
        for probe in &self.wiring.probes {
            worst = worse(worst, self.ask(probe.as_ref()).await);
        }
        worst
    }

    async fn ask(&self, probe: &dyn HealthProbe) -> Sample {
        let began = self.rotation().opened_at();
        let look = async { Ok(probe.sample(Some(began)).await) };
        match within(self.app, self.limit(), look).await {
            Ok(sample) => sample,
            Err(error) => unknown(format!("{}: {}", probe.name(), error.chain())),
        }
    }

    async fn sample_usage(&self, number: VersionNumber) -> Sample {
        let id = VersionId {
            credential: self.rotation().credential().clone(),
            number,
        };
        match self.usages(&id).await {
            Ok(usages) => drained(&usages, self.rotation().plan().limits().drain.evidence),
            Err(error) => unknown(format!("who uses version {number} is not known: {}", error.chain())),
        }
    }

    async fn usages(&self, id: &VersionId) -> Result<Vec<Usage>, PortError> {
        let version = self.required(id).await?;
        let switched = self.rotation().switched_at().unwrap_or_else(|| self.now());
        let mut usages = vec![within(self.app, self.limit(), self.wiring.issuer.usage(&version, switched)).await?];
        for workload in &self.wiring.workloads {
            usages.push(within(self.app, self.limit(), workload.usage(id, &version.attributes)).await?);
        }
        Ok(usages)
    }

    pub(super) fn limit(&self) -> SignedDuration {
        self.rotation().plan().limits().step_timeout
    }
}

/// What a notice is worth where nobody is there to be told: it can be looked up.
fn nobody_told() -> Evidence {
    let detail = "nobody is configured to be told; `list` and `status` show it";
    Evidence::new(EvidenceKind::Notified, "nobody", detail)
}

fn healthy(evidence: Vec<Evidence>) -> Sample {
    Sample {
        verdict: Verdict::Healthy,
        evidence,
    }
}

fn unknown(why: String) -> Sample {
    Sample {
        verdict: Verdict::Unknown(why),
        evidence: Vec::new(),
    }
}

/// Both samples' facts, with the verdict that matters more: ill before unknown before well.
fn worse(one: Sample, other: Sample) -> Sample {
    let rank = |sample: &Sample| match sample.verdict {
        Verdict::Healthy => 0,
        Verdict::Unknown(_) => 1,
        Verdict::Unhealthy(_) => 2,
    };
    let evidence = one.evidence.iter().chain(&other.evidence).cloned().collect();
    let verdict = if rank(&other) > rank(&one) {
        other.verdict
    } else {
        one.verdict
    };
    Sample { verdict, evidence }
}
