//! What people ask: what is due, what is running, who runs which version.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywheel_domain::audit::{AuditEvent, AuditPhase, AuditRecord};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, Revision, RotationId};
use keywheel_domain::ports::{ErrorKind, PortError, WorkloadReport};
use keywheel_domain::rotation::{Entry, Next, Outcome, Rotation};
use keywheel_domain::schedule::Period;

use crate::error::AppError;
use crate::facade::Keywheel;

/// A line of the schedule table.
#[derive(Debug)]
pub struct CredentialStatus {
    /// Its name.
    pub name: CredentialName,
    /// What kind it is.
    pub kind: String,
    /// How often it is rotated.
    pub period: Period,
    /// What the inventory knows; `None` where it is not adopted.
    pub credential: Option<Credential>,
    /// Whether it should have been rotated by now.
    pub overdue: bool,
    /// The rotation that is running and where it stands.
    pub rotation: Option<RotationStatus>,
    /// What is wrong with it, where its backends could not be built or its rotation cannot be read.
    pub problem: Option<AppError>,
}

/// Where a rotation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationStatus {
    /// Which rotation.
    pub id: RotationId,
    /// The step under its cursor; `None` once it is over.
    pub step: Option<String>,
    /// Its outcome, once it rests.
    pub outcome: Option<Outcome>,
    /// Whether it is on its way back.
    pub unwinding: bool,
    /// What happens next, in words.
    pub next: String,
}

/// One consumer and the delivery that it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Its name: workload and instance.
    pub name: String,
    /// The revision that it says it runs.
    pub revision: Option<Revision>,
    /// How that is known.
    pub detail: String,
}

impl Keywheel {
    /// The schedule table: every credential that is configured, in the order of their names. One with a problem is a line that
    /// says so.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn list(&self) -> Result<Vec<CredentialStatus>, AppError> {
        let known = self.inventory().await?;
        let mut known: BTreeMap<_, _> = known.into_iter().map(|known| (known.name.clone(), known)).collect();
        let usable = self.inner.wirings.iter();
        let usable = usable.map(|(name, wiring)| (name, wiring.kind.as_str(), wiring.policy.period, None));
        let unusable = self.inner.unusable.iter();
        let unusable = unusable.map(|(name, one)| (name, one.kind.as_str(), one.period, Some(one.error(name))));
        let mut configured: Vec<_> = usable.chain(unusable).collect();
        configured.sort_by_key(|(name, ..)| *name);
        let mut lines = Vec::new();
        for (name, kind, period, problem) in configured {
            let credential = known.remove(name);
            let due = credential.as_ref().and_then(|credential| credential.next_due);
            let mut line = CredentialStatus {
                name: name.clone(),
                kind: kind.to_owned(),
                period,
                overdue: due.is_some_and(|due| due < self.now()),
                credential,
                rotation: None,
                problem,
            };
            self.add_rotation(&mut line).await;
            lines.push(line);
        }
        Ok(lines)
    }

    /// A journal that is damaged is one credential's problem.
    async fn add_rotation(&self, line: &mut CredentialStatus) {
        let Some(id) = line
            .credential
            .as_ref()
            .and_then(|credential| credential.active.clone())
        else {
            return;
        };
        match self.rotation(&id).await {
            Ok(rotation) => line.rotation = Some(self.status_of(&rotation)),
            Err(error) => line.problem = Some(error),
        }
    }

    /// Where a rotation stands now.
    pub fn status_of(&self, rotation: &Rotation) -> RotationStatus {
        RotationStatus {
            id: rotation.id().clone(),
            step: rotation.action().map(ToString::to_string),
            outcome: rotation.outcome(),
            unwinding: rotation.position().unwinding,
            next: self.next_in_words(rotation, self.now()),
        }
    }

    fn next_in_words(&self, rotation: &Rotation, now: Timestamp) -> String {
        let watched = rotation.watched().map(|watched| &watched.verdict);
        match rotation.next(now) {
            Next::Act { action, attempt: 1 } => format!("will {action}"),
            Next::Act { action, attempt } => format!("will {action} (attempt {attempt})"),
            Next::Look { action } => match watched {
                Some(
                    keywheel_domain::rotation::Observed::Unhealthy(why)
                    | keywheel_domain::rotation::Observed::Unknown(why),
                ) => {
                    format!("watches: {action}; {why}")
                }
                Some(keywheel_domain::rotation::Observed::Healthy) | None => format!("watches: {action}"),
            },
            Next::Wait { until, why } => format!("waits until {until} {why}"),
            Next::Ask(_) => "waits for an approval".to_owned(),
            Next::Rest(Outcome::Stuck) => rotation.stuck_because().unwrap_or_default().to_owned(),
            Next::Rest(_) => "nothing".to_owned(),
        }
    }

    /// The audit record that completed a rotation; `None` while it is not complete.
    ///
    /// # Errors
    /// Where the audit log fails, or a record in it cannot be read.
    pub async fn audit_of(&self, rotation: &RotationId) -> Result<Option<AuditEvent>, AppError> {
        let unreadable =
            |error| PortError::permanent(ErrorKind::Invalid, "an audit record cannot be read").caused_by(error);
        for record in self.inner.ports.audit.read().await?.iter().rev() {
            let event = record.event().map_err(unreadable)?;
            if event.phase == AuditPhase::Complete && event.rotation.as_ref() == Some(rotation) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The whole audit log, oldest record first.
    ///
    /// # Errors
    /// Where the audit log fails.
    pub async fn audit(&self) -> Result<Vec<AuditRecord>, AppError> {
        Ok(self.inner.ports.audit.read().await?)
    }

    /// The journal of a rotation.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn entries(&self, id: &RotationId) -> Result<Vec<Entry>, AppError> {
        Ok(self.journal().load(id).await?)
    }

    /// The identities of a credential's rotations, newest first.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn rotations(&self, name: &CredentialName) -> Result<Vec<RotationId>, AppError> {
        Ok(self.journal().rotations(name).await?)
    }

    /// The rotations of a credential, newest first.
    ///
    /// # Errors
    /// Where one does not replay, or the journal fails.
    pub async fn history(&self, name: &CredentialName) -> Result<Vec<Rotation>, AppError> {
        self.wiring(name)?;
        let mut rotations = Vec::new();
        for id in self.rotations(name).await? {
            rotations.push(self.rotation(&id).await?);
        }
        Ok(rotations)
    }

    /// Which delivery each consumer says it runs.
    ///
    /// # Errors
    /// Where the credential is not configured. A workload that cannot be asked is a line that says so.
    pub async fn consumers(&self, name: &CredentialName) -> Result<Vec<ConsumerStatus>, AppError> {
        let mut lines = Vec::new();
        for workload in &self.wiring(name)?.workloads {
            let silent = |detail: String| ConsumerStatus {
                name: workload.name().to_owned(),
                revision: None,
                detail,
            };
            match workload.report(name).await {
                Ok(WorkloadReport::Instances(instances)) => {
                    lines.extend(instances.into_iter().map(|instance| ConsumerStatus {
                        name: format!("{}/{}", workload.name(), instance.name),
                        revision: instance.revision,
                        detail: instance.detail,
                    }))
                }
                Ok(WorkloadReport::Untold(why)) => lines.push(silent(why)),
                Err(error) => lines.push(silent(error.chain())),
            }
        }
        Ok(lines)
    }
}
