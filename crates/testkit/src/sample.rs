//! One sample credential with its policy, its plan, and a walk through its rotation: valid entries for whoever has to store some.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::audit::{AuditEvent, AuditPhase};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, Revision, RotationId, VersionId, VersionNumber};
use keywheel_domain::plan::{MintedBy, Overlap, Plan, PlanRequest, Shape};
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Append, Lease, NewRotation, SealedMaterial};
use keywheel_domain::rotation::{Entry, Event, Next, Opened, Rotation};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

/// When everything here begins.
pub fn start() -> Timestamp {
    Timestamp::constant(1_767_225_600, 0)
}

/// The start, and that many minutes.
pub fn minute(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

/// The credential's name.
pub fn name() -> CredentialName {
    "company/database".parse().expect("it is a path of plain words")
}

/// A driver of that name.
pub fn driver(name: &str) -> DriverId {
    name.parse().expect("tests name drivers with plain words")
}

/// The identity of the rotation of that number; a higher number is a later one.
pub fn rotation_id(number: u64) -> RotationId {
    RotationId::from_parts(number, [7; 10])
}

/// The usual numbers, every three months.
pub fn policy() -> Policy {
    Policy::new(Period::months(3))
}

/// The sample credential: adopted at the start, with a due date.
pub fn credential() -> Credential {
    named(name())
}

/// The same under another name.
pub fn named(name: CredentialName) -> Credential {
    let first = VersionNumber(1);
    let attributes = Attributes::from([("role".to_owned(), "database_a".to_owned())]);
    Credential::adopted(
        name,
        attributes,
        View::new(Revision(1), first, [first]),
        start(),
        start(),
    )
    .scheduled(&policy())
}

/// The plan of its next rotation: an issuer that accepts two versions, suspends reversibly, and an archive.
pub fn plan(credential: &Credential) -> Plan {
    Plan::new(&PlanRequest {
        shape: Shape {
            overlap: Overlap::TwoVersions,
            minted_by: MintedBy::Us,
            can_suspend: true,
            archived: true,
        },
        policy: &policy(),
        trigger: &Trigger::Routine,
        view: credential.view.clone(),
        new: credential.next_number(),
    })
    .expect("two versions that overlap lock nobody out")
}

/// The beginning of a rotation of the credential.
pub fn opening(credential: &Credential, rotation: &RotationId, at: Timestamp) -> NewRotation {
    let opened = Opened {
        rotation: rotation.clone(),
        credential: credential.name.clone(),
        trigger: Trigger::Routine,
        requested_by: "schedule".to_owned(),
        plan: plan(credential),
    };
    NewRotation {
        opened: Entry {
            sequence: keywheel_domain::id::Sequence(1),
            at,
            event: Event::Opened(Box::new(opened)),
        },
        rotation: rotation.clone(),
        credential: Credential {
            active: Some(rotation.clone()),
            ..credential.clone()
        },
    }
}

/// Walks a rotation to its completion, with one append for each step and everything going well.
#[derive(Debug, Clone)]
pub struct Walk {
    rotation: Rotation,
    credential: Credential,
}

impl Walk {
    /// At the first step.
    pub fn new(new: &NewRotation) -> Self {
        Self {
            rotation: Rotation::open(&new.opened).expect("an opening opens"),
            credential: new.credential.clone(),
        }
    }

    /// Where a journal ends, with the credential as it is stored.
    pub fn resume(entries: &[Entry], credential: Credential) -> Self {
        Self {
            rotation: Rotation::replay(entries).expect("a journal replays"),
            credential,
        }
    }

    /// The rotation as far as it was walked.
    pub fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// The credential as far as it was walked.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The entries of the next step, a minute after the last one; `None` once the rotation rests.
    pub fn next(&mut self, lease: &Lease) -> Option<Append> {
        let (after, before) = (self.rotation.sequence(), self.credential.clone());
        let at = self.rotation.last_at() + SignedDuration::from_mins(1);
        let step = self.rotation.position();
        let mut events = match self.rotation.next(at) {
            Next::Act { attempt, .. } => vec![Event::Intended {
                step,
                attempt,
                existed_before: None,
            }],
            Next::Look { .. } => Vec::new(),
            Next::Wait { .. } | Next::Ask(_) | Next::Rest(_) => return None,
        };
        events.push(Event::Done {
            step,
            evidence: Vec::new(),
            attributes: Attributes::new(),
        });
        let entries = events.into_iter().map(|event| self.apply(at, event)).collect();
        Some(Append {
            lease: lease.clone(),
            after,
            entries,
            credential: (self.credential != before).then(|| self.credential.clone()),
            wake: self.rotation.outcome().is_none().then_some(at),
        })
    }

    fn apply(&mut self, at: Timestamp, event: Event) -> Entry {
        let sequence = self.rotation.sequence().next();
        let entry = Entry { sequence, at, event };
        self.credential = self.credential.after(&self.rotation, &entry);
        let applied = self.rotation.clone().apply(&entry);
        self.rotation = applied.expect("the machine takes what it asked for");
        entry
    }
}

/// The identity of the sample credential's version of that number.
pub fn version_id(number: u64) -> VersionId {
    VersionId {
        credential: name(),
        number: VersionNumber(number),
    }
}

/// Sealed material, different for every tag.
pub fn sealed(tag: u8) -> SealedMaterial {
    SealedMaterial {
        key_id: format!("key-{tag}"),
        wrapped_key: vec![tag; 40],
        nonce: vec![tag; 12],
        ciphertext: (0..=tag).cycle().take(300).collect(),
    }
}

/// The audit event of that phase of a rotation of the sample credential.
pub fn audit_event(rotation: &RotationId, phase: AuditPhase) -> AuditEvent {
    let complete = phase == AuditPhase::Complete;
    AuditEvent {
        timestamp: start(),
        event: "credential_rotation".to_owned(),
        phase,
        credential_type: "database_password".to_owned(),
        credential: name(),
        performed_by: "schedule".to_owned(),
        approved_by: None,
        reason: "routine".to_owned(),
        rotation: Some(rotation.clone()),
        old_version: Some(VersionNumber(1)),
        new_version: Some(VersionNumber(2)),
        success: complete.then_some(true),
        downtime_seconds: complete.then_some(0.25),
        canary_samples: 1200,
        rollback_required: complete.then_some(false),
        incidents: Vec::new(),
        interruptions: Vec::new(),
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use keywheel_domain::id::{FencingToken, Sequence};
    use keywheel_domain::rotation::Outcome;
    use keywheel_domain::version::VersionStatus;

    use super::*;

    #[test]
    fn the_walk_ends_in_a_completed_rotation_that_replays() {
        let new = opening(&credential(), &rotation_id(1), start());
        let lease = Lease {
            rotation: rotation_id(1),
            token: FencingToken(1),
            until: start(),
        };
        let mut walk = Walk::new(&new);
        let mut entries = vec![new.opened];
        while let Some(append) = walk.next(&lease) {
            assert_eq!(append.after, Sequence(entries.len() as u64));
            entries.extend(append.entries);
        }
        let replayed = Rotation::replay(&entries).unwrap();
        assert_eq!(replayed.outcome(), Some(Outcome::Completed));
        assert_eq!(walk.credential().active, None);
        assert_eq!(walk.credential().current().unwrap().number, VersionNumber(2));
        assert_eq!(walk.credential().versions[0].status, VersionStatus::Retired);
    }
}
