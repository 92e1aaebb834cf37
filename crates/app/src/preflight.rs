//! Everything that would be embarrassing to learn later.

use keywheel_domain::credential::Credential;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::CredentialName;
use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{ErrorKind, Finding, PortError, Severity, VersionMaterial};
use keywheel_domain::rotation::Rotation;
use keywheel_domain::trigger::{EmergencyMode, Trigger};

use crate::error::AppError;
use crate::facade::Keywheel;
use crate::health;
use crate::wiring::Wiring;

impl Keywheel {
    /// Looks at every backend of a credential, and says what is wrong and how to mend it. Changes nothing.
    ///
    /// # Errors
    /// Where the credential is not configured or the journal fails. A backend that fails is a finding.
    pub async fn doctor(&self, name: &CredentialName) -> Result<Vec<Finding>, AppError> {
        let wiring = self.wiring(name)?;
        let known = self.journal().credential(name).await?;
        let mut findings = match &known {
            None => self.backend_findings(wiring, None).await,
            Some(credential) => {
                let found = self.findings(credential).await;
                found.unwrap_or_else(|error| vec![failure("preflight", &error)])
            }
        };
        findings.extend(health::findings(wiring, None).await);
        if known.is_none() {
            findings.push(Finding::warning(
                name.as_str(),
                "is configured and not adopted yet",
                format!("run `keywheel adopt {name}`"),
            ));
        }
        Ok(findings)
    }

    pub(crate) async fn findings(&self, credential: &Credential) -> Result<Vec<Finding>, PortError> {
        let wiring = self.wiring(&credential.name)?;
        let current = match credential.version(credential.view.primary) {
            Some(version) => self.version(&credential.name, version).await?,
            None => None,
        };
        let mut findings = self.backend_findings(wiring, current.as_ref()).await;
        findings.extend(self.store_views(wiring, credential).await);
        match &current {
            Some(version) => findings.push(self.current_works(wiring, version).await),
            None => findings.push(Finding::blocker(
                format!("{}#{}", credential.name, credential.view.primary),
                "has no sealed material, so nothing could be rolled back to it",
                "restore the state file from its backup, or adopt the credential again",
            )),
        }
        Ok(findings)
    }

    async fn backend_findings(&self, wiring: &Wiring, current: Option<&VersionMaterial>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |subject: &str, result: Result<Vec<Finding>, PortError>| match result {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(failure(subject, &error)),
        };
        let key = self.inner.ports.keys.key_id().await;
        add(
            "key provider",
            key.map(|id| vec![Finding::fine("key provider", format!("seals with key {id}"))]),
        );
        add("issuer", wiring.issuer.preflight(current).await);
        for store in &wiring.stores {
            add(store.name(), store.preflight().await);
        }
        for workload in &wiring.workloads {
            add(workload.name(), workload.preflight().await);
        }
        if let Some(archive) = &wiring.archive {
            add("archive", archive.preflight().await);
        }
        findings.extend(shape_findings(wiring));
        findings
    }

    /// Every store shows what the inventory says it shows: a difference means that somebody else writes to it.
    async fn store_views(&self, wiring: &Wiring, credential: &Credential) -> Vec<Finding> {
        let mut findings = Vec::new();
        for store in &wiring.stores {
            findings.push(match store.read_back(&credential.name).await {
                Ok(Some(view)) if view == credential.view => Finding::fine(store.name(), format!("shows {view}")),
                Ok(shown) => Finding::blocker(
                    store.name(),
                    format!(
                        "shows {}, but the inventory says {}",
                        shown.map_or("nothing of ours".to_owned(), |view| view.to_string()),
                        credential.view
                    ),
                    "find out who else writes to it; put back what the inventory says, or adopt the credential again",
                ),
                Err(error) => failure(store.name(), &error),
            });
        }
        findings
    }

    async fn current_works(&self, wiring: &Wiring, version: &VersionMaterial) -> Finding {
        let subject = version.id.to_string();
        match wiring.issuer.prove(version).await {
            Ok(evidence) => Finding::fine(subject, evidence.detail),
            Err(error) => {
                let fix = "mend that first: a rotation needs a version that it can go back to";
                let mut finding = Finding::failure(subject, &error, fix);
                finding.detail = format!("the version in use does not authenticate: {}", finding.detail);
                finding
            }
        }
    }

    /// Turns findings into the preflight's outcome. A blocker stops everything but a containment, which must not wait. What
    /// somebody has to mend ends the rotation before it changes anything, with the reason; what may pass is looked at again.
    pub(crate) fn decide_preflight(
        &self,
        rotation: &Rotation,
        findings: Vec<Finding>,
    ) -> Result<Vec<Evidence>, PortError> {
        let contains = matches!(
            rotation.trigger(),
            Trigger::Emergency {
                mode: EmergencyMode::ContainFirst,
                ..
            }
        );
        let blockers = findings.iter().filter(|finding| finding.severity == Severity::Blocker);
        // What does not pass comes first: to wait for the others would be in vain.
        let blocker = blockers.min_by_key(|finding| finding.may_pass);
        if let Some(finding) = blocker.filter(|_| !contains) {
            let message = format!("{}: {}; {}", finding.subject, finding.detail, finding.fix);
            return Err(match finding.may_pass {
                true => PortError::transient(ErrorKind::Unavailable, message),
                false => PortError::permanent(ErrorKind::Invalid, message),
            });
        }
        let evidence = |finding: Finding| Evidence::new(EvidenceKind::Checked, finding.subject, finding.detail);
        Ok(findings.into_iter().map(evidence).collect())
    }
}

fn shape_findings(wiring: &Wiring) -> Vec<Finding> {
    let mut findings = Vec::new();
    if wiring.stores.is_empty() {
        findings.push(Finding::blocker(
            "stores",
            "none is configured, so no consumer would ever get a new version",
            "add a `[[credential.store]]`",
        ));
    }
    if wiring.workloads.is_empty() && wiring.shape().overlap == Overlap::KeyRing {
        findings.push(Finding::warning(
            "workloads",
            "none is configured, so nobody reports that the verifiers adopted a new key; `adopt_within` is waited out instead",
            "add a `[[credential.workload]]` with the verifiers' reports",
        ));
    }
    let notice = wiring.policy.notice;
    if wiring.notifiers.is_empty() && !notice.is_zero() {
        findings.push(Finding::warning(
            "notice",
            format!("{notice:#} pass before a routine rotation begins, and nobody is configured to be told of it"),
            "look at `keywheel list` as often as that, or set `notice = \"0 s\"` in the policy",
        ));
    }
    findings
}

fn failure(subject: &str, error: &PortError) -> Finding {
    Finding::failure(subject, error, "mend that, then try again")
}
