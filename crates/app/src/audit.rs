//! What the auditor gets about a rotation.

use jiff::Timestamp;
use keywheel_domain::audit::{AuditEvent, AuditPhase};
use keywheel_domain::credential::Credential;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::rotation::{Outcome, Rotation};

use crate::facade::Keywheel;

impl Keywheel {
    pub(crate) fn audit_begin(&self, rotation: &Rotation) -> AuditEvent {
        let kind = self
            .inner
            .wirings
            .get(rotation.credential())
            .map_or_else(String::new, |wiring| wiring.kind.clone());
        let interruption = |i: &keywheel_domain::plan::Interruption| format!("{} ({})", i.name, i.reason);
        AuditEvent {
            timestamp: rotation.opened_at(),
            event: "credential_rotation".to_owned(),
            phase: AuditPhase::Begin,
            credential_type: kind,
            credential: rotation.credential().clone(),
            performed_by: rotation.requested_by().to_owned(),
            approved_by: None,
            reason: rotation.trigger().reason(),
            rotation: Some(rotation.id().clone()),
            old_version: Some(rotation.plan().old()),
            new_version: Some(rotation.plan().new_version()),
            success: None,
            downtime_seconds: None,
            canary_samples: 0,
            rollback_required: None,
            incidents: Vec::new(),
            interruptions: rotation.plan().interruptions().iter().map(interruption).collect(),
            evidence: Vec::new(),
        }
    }

    /// `downtime_seconds` is what the canary measured, and nothing where it measured nothing.
    pub(crate) fn audit_completion(&self, rotation: &Rotation) -> AuditEvent {
        let completed = rotation.closing() == Outcome::Completed;
        let canary = rotation.canary();
        AuditEvent {
            timestamp: rotation.last_at(),
            phase: AuditPhase::Complete,
            approved_by: rotation.approved_by().map(str::to_owned),
            success: Some(completed),
            downtime_seconds: (canary.samples > 0).then(|| canary.downtime.as_secs_f64()),
            canary_samples: canary.samples,
            rollback_required: Some(!completed),
            incidents: rotation.failures().to_vec(),
            evidence: rotation.proofs().to_vec(),
            ..self.audit_begin(rotation)
        }
    }

    pub(crate) fn audit_adoption(
        &self,
        credential: &Credential,
        by: &str,
        now: Timestamp,
        delivered: &[Evidence],
    ) -> AuditEvent {
        let accepted = Evidence::new(
            EvidenceKind::Accepted,
            credential.name.to_string(),
            "the existing version authenticates",
        );
        let kind = self
            .inner
            .wirings
            .get(&credential.name)
            .map_or_else(String::new, |wiring| wiring.kind.clone());
        AuditEvent {
            timestamp: now,
            event: "credential_adoption".to_owned(),
            phase: AuditPhase::Adopt,
            credential_type: kind,
            credential: credential.name.clone(),
            performed_by: by.to_owned(),
            approved_by: None,
            reason: "adopted".to_owned(),
            rotation: None,
            old_version: None,
            new_version: Some(credential.view.primary),
            success: Some(true),
            downtime_seconds: None,
            canary_samples: 0,
            rollback_required: Some(false),
            incidents: Vec::new(),
            interruptions: Vec::new(),
            evidence: [[accepted].as_slice(), delivered].concat(),
        }
    }
}
