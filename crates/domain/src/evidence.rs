//! Recorded facts.

use serde::{Deserialize, Serialize};

/// What sort of fact was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The preflight looked at something.
    Checked,
    /// Material was made and sealed.
    Sealed,
    /// A login or a token was accepted.
    Accepted,
    /// A login or a token was refused.
    Refused,
    /// An authority changed what it accepts.
    Changed,
    /// A store shows a view, and it was read back.
    Delivered,
    /// A workload was told to pick a view up.
    RolledOut,
    /// An instance reported what it runs.
    Instance,
    /// Who uses a version, or that nobody does.
    Usage,
    /// A health check or a metric.
    Health,
    /// Time that had to pass did pass.
    Elapsed,
    /// People were told.
    Notified,
    /// A sealed copy was put away, or a copy destroyed.
    Archived,
}

/// One fact: about what, and what was seen. Never holds material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What sort of fact.
    pub kind: EvidenceKind,
    /// About what: a store, an instance, a version.
    pub subject: String,
    /// What was seen, in one line for people.
    pub detail: String,
}

impl Evidence {
    /// A fact of `kind` about `subject`.
    pub fn new(kind: EvidenceKind, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            subject: subject.into(),
            detail: detail.into(),
        }
    }

    /// Whether it belongs into the audit record, and not only into the journal.
    pub fn is_proof(&self) -> bool {
        use EvidenceKind::{
            Accepted, Archived, Changed, Checked, Delivered, Elapsed, Health, Instance, Notified, Refused, RolledOut,
            Sealed, Usage,
        };
        match self.kind {
            Accepted | Refused | Changed | Usage | Elapsed | Archived => true,
            Checked | Sealed | Delivered | RolledOut | Instance | Health | Notified => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_auditor_asks_for_is_proof_and_what_a_driver_noted_is_not() {
        let proof = |kind| Evidence::new(kind, "it", "seen").is_proof();
        assert!(proof(EvidenceKind::Refused) && proof(EvidenceKind::Archived) && proof(EvidenceKind::Usage));
        assert!(!proof(EvidenceKind::Checked) && !proof(EvidenceKind::Delivered));
    }
}
