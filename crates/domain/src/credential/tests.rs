use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::id::{Revision, Sequence};
use crate::plan::{MintedBy, Overlap, Plan, PlanRequest, Shape};
use crate::policy::{GracePlacement, TokenLifetime};
use crate::rotation::{Opened, Position};
use crate::schedule::Period;
use crate::trigger::{EmergencyMode, LiveTokens, Trigger};

const OLD: VersionNumber = VersionNumber(1);
const NEW: VersionNumber = VersionNumber(2);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + seconds).unwrap()
}

fn policy() -> Policy {
    let lifetime = SignedDuration::from_mins(15);
    let name = "access".to_owned();
    Policy {
        tokens: vec![TokenLifetime { name, lifetime }],
        ..Policy::new(Period::months(6))
    }
}

fn adopted() -> Credential {
    let name = "goimg/jwt".parse().unwrap();
    let attributes = [("kid".to_owned(), "one".to_owned())].into();
    Credential::adopted(name, attributes, View::new(Revision(1), OLD, [OLD]), at(-1000), at(0))
}

fn opened(credential: &Credential, trigger: Trigger) -> Entry {
    let shape = Shape {
        overlap: Overlap::KeyRing,
        minted_by: MintedBy::Us,
        can_suspend: false,
        archived: true,
    };
    let plan = Plan::new(&PlanRequest {
        shape,
        policy: &policy(),
        trigger: &trigger,
        view: credential.view.clone(),
        new: credential.next_number(),
    });
    let opened = Opened {
        rotation: "r-1".parse().unwrap(),
        credential: credential.name.clone(),
        trigger,
        requested_by: "alice".to_owned(),
        plan: plan.unwrap(),
    };
    Entry {
        sequence: Sequence(1),
        at: at(0),
        event: Event::Opened(Box::new(opened)),
    }
}

/// Walks the rotation to its end, going back at the step of that name, and returns the credential after each step's end.
fn walk(trigger: Trigger, back_at: Option<&str>) -> Vec<(String, Credential)> {
    let mut credential = adopted();
    let first = opened(&credential, trigger);
    credential.active = Some("r-1".parse().unwrap());
    let mut rotation = Rotation::open(&first).unwrap();
    let mut states = Vec::new();
    while rotation.outcome().is_none() {
        let name = rotation.action().unwrap().to_string();
        let here = rotation.position();
        if !here.unwinding && back_at == Some(name.as_str()) {
            let reason = "no".to_owned();
            (rotation, credential) = append(rotation, credential, Event::Unwinding { reason, by: None });
            continue;
        }
        if !rotation.action().unwrap().is_watched() {
            (rotation, credential) = append(rotation, credential, intended(here));
        }
        let attributes = [("kid".to_owned(), "two".to_owned())].into();
        let done = Event::Done {
            step: here,
            evidence: Vec::new(),
            attributes,
        };
        (rotation, credential) = append(rotation, credential, done);
        states.push((name, credential.clone()));
    }
    states
}

fn intended(step: Position) -> Event {
    Event::Intended {
        step,
        attempt: 1,
        existed_before: None,
    }
}

fn append(rotation: Rotation, credential: Credential, event: Event) -> (Rotation, Credential) {
    let sequence = rotation.sequence().next();
    let entry = Entry {
        sequence,
        at: at(sequence.0 as i64),
        event,
    };
    let credential = credential.after(&rotation, &entry);
    (rotation.apply(&entry).unwrap(), credential)
}

fn statuses(credential: &Credential) -> Vec<(u64, VersionStatus)> {
    let status = |version: &Version| (version.number.0, version.status);
    credential.versions.iter().map(status).collect()
}

fn manual() -> Trigger {
    let reason = "test".to_owned();
    Trigger::Manual { reason }
}

#[test]
fn an_adopted_credential_has_one_current_version() {
    let credential = adopted();
    assert_eq!(statuses(&credential), [(1, VersionStatus::Current)]);
    assert_eq!(credential.current().unwrap().current_at, Some(at(-1000)));
    assert_eq!(credential.version(OLD), credential.current());
    assert_eq!(credential.version(NEW), None);
    assert_eq!(credential.next_number(), NEW);
    assert_eq!(credential.rotated_at, at(-1000));
}

#[test]
fn a_completed_rotation_moves_the_versions_through_their_lives() {
    let states = walk(manual(), None);
    let after = |name: &str| &states.iter().find(|(step, _)| step == name).unwrap().1;
    let generated = after("generate version 2");
    assert_eq!(
        statuses(generated),
        [(1, VersionStatus::Current), (2, VersionStatus::Pending)]
    );
    assert_eq!(generated.version(NEW).unwrap().attributes["kid"], "two");
    let published = after("converge r2");
    assert_eq!(published.view.accepted, [OLD, NEW].into());
    assert_eq!(
        statuses(published),
        [(1, VersionStatus::Current), (2, VersionStatus::Pending)]
    );
    let switched = after("converge r3");
    assert_eq!(
        statuses(switched),
        [(1, VersionStatus::Previous), (2, VersionStatus::Current)]
    );
    let (_, closed) = states.last().unwrap();
    assert_eq!(
        statuses(closed),
        [(1, VersionStatus::Retired), (2, VersionStatus::Current)]
    );
    assert_eq!(closed.active, None);
    assert_eq!(closed.view.accepted, [NEW].into());
    assert_eq!(
        Some(closed.rotated_at),
        switched.current().unwrap().current_at,
        "due from when everybody had moved"
    );
    assert!(closed.version(OLD).unwrap().ended_at.is_some());
    assert!(closed.version(NEW).unwrap().ended_at.is_none());
    assert!(closed.versions.iter().all(|version| !version.compromised));
}

#[test]
fn a_rolled_back_rotation_abandons_the_new_version_and_never_reuses_its_number() {
    let states = walk(manual(), Some("validate for 5 min"));
    let (_, closed) = states.last().unwrap();
    assert_eq!(
        statuses(closed),
        [(1, VersionStatus::Current), (2, VersionStatus::Abandoned)]
    );
    assert_eq!(closed.rotated_at, at(-1000));
    assert_eq!(closed.active, None);
    assert_eq!(closed.view.primary, OLD);
    assert_eq!(
        closed.version(OLD).unwrap().current_at,
        Some(at(-1000)),
        "it has been in use since then"
    );
    assert_eq!(closed.next_number(), VersionNumber(3));
}

#[test]
fn an_emergency_marks_the_old_version_as_compromised() {
    let states = walk(
        Trigger::Emergency {
            incident: "SEC-1".to_owned(),
            mode: EmergencyMode::Expedited,
            live_tokens: LiveTokens::Refuse,
        },
        None,
    );
    let (_, closed) = states.last().unwrap();
    assert!(closed.version(OLD).unwrap().compromised);
    assert!(!closed.version(NEW).unwrap().compromised);
}

#[test]
fn it_is_due_a_period_after_it_was_rotated_and_earlier_where_grace_ends_on_the_due_date() {
    let mut policy = policy();
    let due = adopted().scheduled(&policy).next_due.unwrap();
    assert_eq!(due.to_string(), "2025-12-15T14:50:00Z");
    policy.grace_placement = GracePlacement::BeforeDue;
    let lead = policy.lead();
    assert!(lead > policy.soak + policy.grace);
    assert_eq!(adopted().scheduled(&policy).next_due, Some(due - lead));
}

fn policies() -> impl Strategy<Value = Policy> {
    let zones = proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Nowhere/AtAll"]);
    (1u16..24, 0i64..100, any::<bool>(), zones).prop_map(|(months, grace, before_due, zone)| Policy {
        period: Period::months(months),
        time_zone: zone.to_owned(),
        grace: SignedDuration::from_hours(grace),
        grace_placement: if before_due {
            GracePlacement::BeforeDue
        } else {
            GracePlacement::AfterDue
        },
        ..policy()
    })
}

proptest! {
    #[test]
    fn after_every_change_of_its_policy_it_is_due_as_if_it_had_been_adopted_by_the_new_one(
        changes in proptest::collection::vec(policies(), 1..6),
    ) {
        let mut credential = adopted().scheduled(&policy());
        for policy in changes {
            credential = credential.by(&policy);
            prop_assert_eq!(&credential, &adopted().scheduled(&policy));
            // While a rotation is running nothing is changed.
            let active = Credential { active: Some("r-1".parse().unwrap()), ..credential.clone() };
            prop_assert_eq!(&active.clone().by(&self::policy()), &active);
        }
    }
}

#[test]
fn a_number_that_was_undone_before_it_was_made_is_used_up_all_the_same() {
    let states = walk(Trigger::Routine, Some("generate version 2"));
    let (_, rolled_back) = states.last().unwrap();
    assert_eq!(
        rolled_back.version(NEW).map(|version| version.status),
        Some(VersionStatus::Abandoned)
    );
    assert_eq!(rolled_back.next_number(), VersionNumber(3));
}

#[test]
fn what_went_back_may_begin_again_after_pauses_that_double_up_to_a_day() {
    let hours = |hours| SignedDuration::from_hours(hours);
    let due = at(0);
    let mut credential = Credential {
        next_due: Some(due),
        ..adopted()
    };
    assert_eq!(credential.may_begin_at(), Some(due));
    for (number, pause) in (2..).zip([1, 2, 4, 8, 16, 24, 24]) {
        let ended = at(100 * number);
        credential.versions.push(Version {
            status: VersionStatus::Abandoned,
            ended_at: Some(ended),
            ..Version::pending(VersionNumber(number as u64), Attributes::new(), at(0))
        });
        assert_eq!(credential.may_begin_at(), Some(ended + hours(pause)), "{number}");
    }
    credential.next_due = Some(at(1_000_000));
    assert_eq!(
        credential.may_begin_at(),
        Some(at(1_000_000)),
        "it is due later than that"
    );
    credential.next_due = None;
    assert_eq!(credential.may_begin_at(), None);
}

#[test]
fn only_what_went_back_since_the_last_success_counts() {
    let mut credential = Credential {
        next_due: Some(at(0)),
        ..adopted()
    };
    let version = |number, status| Version {
        status,
        ended_at: Some(at(10)),
        ..Version::pending(VersionNumber(number), Attributes::new(), at(0))
    };
    credential.versions.push(version(2, VersionStatus::Abandoned));
    credential.versions.push(version(3, VersionStatus::Current));
    assert_eq!(credential.may_begin_at(), Some(at(0)));
}
