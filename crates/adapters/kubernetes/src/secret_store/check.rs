//! Whether a delivery would work, asked without changing anything.

use keywheel_domain::ports::{Finding, PortError};
use serde_json::Value;

use super::owners::{self, Owners};
use super::{KubernetesSecret, Shown};
use crate::access::{self, Rule};

impl KubernetesSecret {
    /// Everything that a delivery needs.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>, PortError> {
        let fix = "see whether the API can be reached, and correct `cluster`";
        let shown = self.shown().await;
        let mut rules = vec![Rule::new("", "secrets", &["get", "patch"]).on([self.secret_name.clone()])];
        if self.immutable {
            // The names of what is still to come cannot stand in a rule.
            rules.push(Rule::new("", "secrets", &["get"]));
        }
        if self.immutable || matches!(shown, Ok(Shown::Absent)) {
            // A name cannot restrict who may create.
            rules.push(Rule::new("", "secrets", &["create"]));
        }
        let rights = async {
            let namespace = self.cluster.namespace(self.namespace.as_deref()).await?;
            access::findings(&self.cluster, &namespace, &self.name, &rules).await
        };
        let mut findings = match rights.await {
            Ok(findings) => findings,
            Err(failure) => {
                let error = failure.looking("ask for the login's rights");
                return Ok(vec![Finding::failure(&self.name, &error, fix)]);
            }
        };
        match shown {
            Ok(Shown::Absent) => findings.push(Finding::fine(&self.name, "it will be created")),
            Ok(Shown::Foreign(metadata)) => findings.extend(self.occupied(&metadata)),
            Ok(Shown::Ours(metadata, marker)) => {
                let lost = Owners::of(&metadata).lost(&marker.keys);
                if !lost.is_empty() {
                    findings.push(Finding::blocker(
                        &self.name,
                        format!("it was changed after Keywheel wrote it: {}", owners::story(&lost)),
                        "take the keys out of what that manager applies",
                    ));
                }
            }
            Err(error) => findings.push(Finding::failure(&self.name, &error, fix)),
        }
        Ok(findings)
    }

    /// What an adoption would take over, and a rotation would refuse.
    fn occupied(&self, metadata: &Value) -> Vec<Finding> {
        let keys = self.specs.fixed_names().filter(|_| !self.immutable);
        let foreign = Owners::of(metadata).foreign(keys);
        if foreign.is_empty() {
            return vec![Finding::fine(&self.name, "it is there and can be written")];
        }
        let story = owners::story(&foreign);
        vec![match self.replace_existing {
            Some(false) => Finding::blocker(
                &self.name,
                story,
                "take the keys out of what that manager applies, or set `replace_existing = true`",
            ),
            _ => Finding::warning(
                &self.name,
                story,
                "an adoption takes the keys over; see that the manager does not write them again, or set `replace_existing = false`",
            ),
        }]
    }
}
