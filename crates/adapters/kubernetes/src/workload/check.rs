//! Whether a roll-out would work, asked without changing anything.

use keywheel_domain::ports::{Finding, PortError};

use super::KubernetesWorkload;
use super::references;
use super::status::Progress;
use super::target::{Kind, Target};
use crate::access::{self, Rule};

impl KubernetesWorkload {
    /// Everything that a roll-out and its proof need.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>, PortError> {
        let fix = "see whether the API can be reached, and correct `cluster`";
        let namespace = match self.namespace().await {
            Ok(namespace) => namespace,
            Err(error) => return Ok(vec![Finding::failure(&self.name, &error, fix)]),
        };
        let mut findings = match access::findings(&self.cluster, &namespace, &self.name, &self.rules()).await {
            Ok(findings) => findings,
            Err(failure) => {
                let error = failure.looking("ask for the login's rights");
                return Ok(vec![Finding::failure(&self.name, &error, fix)]);
            }
        };
        match self.targets.list(&self.cluster, &namespace).await {
            Ok((targets, _)) => {
                if let Err(error) = self.targets.complete(&self.name, &targets) {
                    findings.push(Finding::failure(
                        &self.name,
                        &error,
                        "correct the workload's names and `selector`",
                    ));
                }
                findings.extend(targets.iter().map(|target| self.finding(target)));
            }
            Err(failure) => {
                let error = failure.looking(&format!("list {}", self.name));
                findings.push(Finding::failure(&self.name, &error, fix));
            }
        }
        Ok(findings)
    }

    fn rules(&self) -> Vec<Rule> {
        let mut rules = vec![Rule::new("", "secrets", &["get"]).on([self.secret_name.clone()])];
        for kind in Kind::ALL.into_iter().filter(|kind| self.targets.has(*kind)) {
            rules.push(Rule::new("apps", kind.resource(), &["list", "watch"]));
            let patch = Rule::new("apps", kind.resource(), &["patch"]);
            rules.push(match self.targets.names(kind) {
                Some(names) if !self.targets.selects() => patch.on(names.iter().cloned()),
                _ => patch,
            });
        }
        if self.targets.has(Kind::Deployment) {
            rules.push(Rule::new("apps", "replicasets", &["list", "watch"]));
        }
        rules.push(Rule::new("", "pods", &["list", "watch"]));
        rules
    }

    fn finding(&self, target: &Target) -> Finding {
        let subject = format!("{} {}", self.name, target.shown());
        if target.is_paused() {
            let fix = "resume it with `kubectl rollout resume`";
            return Finding::blocker(subject, "it is paused, and nothing would restart", fix);
        }
        if let Some(why) = never_replaces(target) {
            let fix = "use `RollingUpdate` without a partition, or restart it by a command and let it report";
            return Finding::blocker(subject, why, fix);
        }
        match target.progress() {
            Progress::Failed(why) => {
                let fix = "mend it first: a rotation could not tell its own failure from this one";
                return Finding::blocker(subject, format!("its last rollout has failed: {why}"), fix);
            }
            Progress::Waits(why) => {
                return Finding {
                    may_pass: true,
                    ..Finding::blocker(
                        subject,
                        format!("a rollout is under way: {why}"),
                        "wait until it is done",
                    )
                };
            }
            Progress::Done => {}
        }
        if references::of(&target.object["spec"]["template"], &self.secret_name).is_empty() {
            let detail = format!("its Pods do not read the Secret {}", self.secret_name);
            return Finding::warning(subject, detail, "correct `secret_name`, or take it out of the workload");
        }
        Finding::fine(subject, format!("it reads {} and can restart", self.secret_name))
    }
}

/// Why Pods would stay as they are after a change.
fn never_replaces(target: &Target) -> Option<&'static str> {
    let strategy = &target.object["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return Some("its update strategy is `OnDelete`, so its Pods would stay as they are");
    }
    let partition = strategy["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    (partition > 0).then_some("its update strategy has a `partition`, so some of its Pods would stay as they are")
}
