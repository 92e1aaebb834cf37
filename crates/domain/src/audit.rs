//! The evidence for the auditor: a chain of records in which each holds the hash of the one before it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::evidence::Evidence;
use crate::id::{CredentialName, RotationId, VersionNumber};

/// Whether a record opens or completes the audit of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditPhase {
    /// A rotation, or a purge of sessions, began.
    Begin,
    /// A rotation came to rest; a purge of sessions ended.
    Complete,
    /// An existing credential was taken over.
    Adopt,
}

/// What an auditor asks about one rotation. The names of the first fields are those of the usual runbook's log entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When, in UTC.
    pub timestamp: Timestamp,
    /// `credential_rotation`, `credential_adoption` or `session_purge`.
    pub event: String,
    /// Whether this opens or completes the audit.
    pub phase: AuditPhase,
    /// The kind of credential, such as `jwt_signing_key`.
    pub credential_type: String,
    /// Its name.
    pub credential: CredentialName,
    /// Who asked for it.
    pub performed_by: String,
    /// Who approved it, where somebody had to.
    pub approved_by: Option<String>,
    /// Why.
    pub reason: String,
    /// Which rotation; `None` for an adoption and for a purge of sessions.
    pub rotation: Option<RotationId>,
    /// The version before.
    pub old_version: Option<VersionNumber>,
    /// The version after.
    pub new_version: Option<VersionNumber>,
    /// Whether the new version is in use and the old one dead; `None` until it is complete.
    pub success: Option<bool>,
    /// What the canary measured, in seconds; `None` where it measured nothing.
    pub downtime_seconds: Option<f64>,
    /// How often the canary authenticated.
    pub canary_samples: u64,
    /// Whether the rotation went back.
    pub rollback_required: Option<bool>,
    /// What went wrong on the way, in order.
    pub incidents: Vec<String>,
    /// The interruptions that were declared.
    pub interruptions: Vec<String>,
    /// The facts that it rests on.
    pub evidence: Vec<Evidence>,
}

impl AuditEvent {
    /// What makes an event the same event: its rotation and phase, or its credential for an adoption. What else is about a
    /// credential and no rotation may happen many times, so its moment tells one from another.
    pub fn key(&self) -> String {
        let subject = match &self.rotation {
            Some(rotation) => rotation.to_string(),
            None if self.phase == AuditPhase::Adopt => self.credential.to_string(),
            None => format!("{} at {}", self.credential, self.timestamp),
        };
        match self.phase {
            AuditPhase::Begin => format!("{subject} begin"),
            AuditPhase::Complete => format!("{subject} complete"),
            AuditPhase::Adopt => format!("{subject} adopt"),
        }
    }
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its number, 1 for the first.
    pub sequence: u64,
    /// The hash of the record before it, in hex; zeros for the first.
    pub previous: String,
    /// SHA-256 over number, previous hash and body, in hex.
    pub hash: String,
    /// The event as it was written. The hash is over these bytes, so that no later reader's formatting matters.
    pub body: String,
}

/// What the first record names as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl AuditRecord {
    /// The record that follows `last`.
    pub fn following(last: Option<&Self>, body: String) -> Self {
        let sequence = last.map_or(1, |record| record.sequence + 1);
        let previous = last.map_or_else(|| GENESIS.to_owned(), |record| record.hash.clone());
        let hash = hash(sequence, &previous, &body);
        Self {
            sequence,
            previous,
            hash,
            body,
        }
    }

    /// The event in the record.
    ///
    /// # Errors
    /// The JSON error where the body is no event that this version knows.
    pub fn event(&self) -> Result<AuditEvent, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

fn hash(sequence: u64, previous: &str, body: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(sequence.to_be_bytes());
    digest.update(previous.as_bytes());
    digest.update(body.as_bytes());
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a chain is broken, and how that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit record {sequence} {problem}; compare with your last exported copy to see what was changed")]
pub struct BrokenChain {
    /// The first record that does not fit.
    pub sequence: u64,
    problem: &'static str,
}

/// Verifies a whole chain and returns its head: the hash to note elsewhere, because records cut off at the end show only by
/// comparison with a head that was noted earlier.
///
/// # Errors
/// [`BrokenChain`] with the first record that was changed, removed or moved.
pub fn verify(records: &[AuditRecord]) -> Result<String, BrokenChain> {
    let mut previous = GENESIS.to_owned();
    for (index, record) in records.iter().enumerate() {
        let broken = |problem| BrokenChain {
            sequence: record.sequence,
            problem,
        };
        if record.sequence != index as u64 + 1 {
            return Err(broken("is out of order: a record before it was removed or added"));
        }
        if record.previous != previous {
            return Err(broken("does not follow the record before it"));
        }
        if record.hash != hash(record.sequence, &record.previous, &record.body) {
            return Err(broken("was changed after it was written"));
        }
        previous.clone_from(&record.hash);
    }
    Ok(previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<AuditRecord> {
        let mut records: Vec<AuditRecord> = Vec::new();
        for body in ["one", "two", "three"] {
            let next = AuditRecord::following(records.last(), body.to_owned());
            records.push(next);
        }
        records
    }

    fn event(phase: AuditPhase, rotation: Option<&str>) -> AuditEvent {
        AuditEvent {
            timestamp: Timestamp::UNIX_EPOCH,
            event: "credential_rotation".to_owned(),
            phase,
            credential_type: "jwt_signing_key".to_owned(),
            credential: "goimg/jwt".parse().unwrap(),
            performed_by: "alice".to_owned(),
            approved_by: None,
            reason: "routine".to_owned(),
            rotation: rotation.map(|id| id.parse().unwrap()),
            old_version: None,
            new_version: None,
            success: None,
            downtime_seconds: None,
            canary_samples: 0,
            rollback_required: None,
            incidents: Vec::new(),
            interruptions: Vec::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn an_event_is_the_same_event_by_its_rotation_and_phase() {
        assert_eq!(event(AuditPhase::Begin, Some("r-1")).key(), "r-1 begin");
        assert_eq!(event(AuditPhase::Complete, Some("r-1")).key(), "r-1 complete");
        assert_eq!(event(AuditPhase::Adopt, None).key(), "goimg/jwt adopt");
        let purge = event(AuditPhase::Begin, None);
        assert_eq!(purge.key(), "goimg/jwt at 1970-01-01T00:00:00Z begin");
    }

    #[test]
    fn a_record_gives_its_event_back() {
        let event = event(AuditPhase::Begin, Some("r-1"));
        let record = AuditRecord::following(None, serde_json::to_string(&event).unwrap());
        assert_eq!(record.event().unwrap(), event);
    }

    #[test]
    fn an_untouched_chain_verifies_to_its_head() {
        let records = chain();
        assert_eq!(verify(&records), Ok(records[2].hash.clone()));
        assert_eq!(verify(&[]), Ok(GENESIS.to_owned()));
    }

    #[test]
    fn a_changed_removed_or_moved_record_is_found() {
        let mut changed = chain();
        changed[1].body = "2".to_owned();
        assert_eq!(verify(&changed).unwrap_err().sequence, 2);
        let mut removed = chain();
        removed.remove(1);
        assert_eq!(verify(&removed).unwrap_err().sequence, 3);
        let mut moved = chain();
        moved.swap(0, 1);
        assert!(verify(&moved).is_err());
        let mut rehashed = chain();
        rehashed[0] = AuditRecord::following(None, "1".to_owned());
        assert_eq!(verify(&rehashed).unwrap_err().sequence, 2);
    }
}
