use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::id::{CredentialName, Revision, VersionNumber};
use crate::plan::{MintedBy, Overlap, PlanRequest, Shape, Watch};
use crate::policy::{Policy, TokenLifetime};
use crate::ports::{Effect, ErrorKind, Retry, Sample, Verdict};
use crate::schedule::Period;
use crate::view::View;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(super) fn policy() -> Policy {
    let mut policy = Policy::new(Period::months(6));
    policy.grace = SignedDuration::from_hours(48);
    policy.tokens = vec![TokenLifetime {
        name: "access".to_owned(),
        lifetime: SignedDuration::from_mins(15),
    }];
    policy
}

/// A rotation that somebody has to approve.
pub(super) fn policy_with_approver(who: &str) -> Entry {
    let mut policy = policy();
    policy.approvers = vec![who.to_owned()];
    opened_by(&policy, Overlap::TwoVersions, manual())
}

pub(super) fn opened(overlap: Overlap, trigger: Trigger) -> Entry {
    opened_by(&policy(), overlap, trigger)
}

pub(super) fn opened_by(policy: &Policy, overlap: Overlap, trigger: Trigger) -> Entry {
    let shape = Shape {
        overlap,
        minted_by: MintedBy::Us,
        can_suspend: true,
        archived: false,
    };
    let view = View::new(Revision(1), VersionNumber(1), [VersionNumber(1)]);
    let request = PlanRequest {
        shape,
        policy,
        trigger: &trigger,
        view,
        new: VersionNumber(2),
    };
    let plan = Plan::new(&request).unwrap();
    let rotation: RotationId = "r-1".parse().unwrap();
    let credential: CredentialName = "goimg/jwt".parse().unwrap();
    let requested_by = "alice".to_owned();
    let opened = Opened {
        rotation,
        credential,
        trigger,
        requested_by,
        plan,
    };
    entry(1, 0, Event::Opened(Box::new(opened)))
}

pub(super) fn entry(sequence: u64, seconds: i64, event: Event) -> Entry {
    Entry {
        sequence: Sequence(sequence),
        at: at(seconds),
        event,
    }
}

pub(super) fn manual() -> Trigger {
    Trigger::Manual {
        reason: "test".to_owned(),
    }
}

pub(super) fn begun() -> Rotation {
    Rotation::open(&opened(Overlap::TwoVersions, manual())).unwrap()
}

/// Applies events one second apart.
pub(super) fn walk(mut rotation: Rotation, events: impl IntoIterator<Item = Event>) -> Rotation {
    for event in events {
        let seconds = rotation.last_at().as_second() - at(0).as_second() + 1;
        let next = entry(rotation.sequence().0 + 1, seconds, event);
        rotation = rotation.apply(&next).unwrap();
    }
    rotation
}

pub(super) fn done(rotation: &Rotation) -> Event {
    Event::Done {
        step: rotation.position(),
        evidence: Vec::new(),
        attributes: Attributes::new(),
    }
}

pub(super) fn intended(rotation: &Rotation, attempt: u32) -> Event {
    Event::Intended {
        step: rotation.position(),
        attempt,
        existed_before: None,
    }
}

/// Completes steps until the one of that name is under the cursor.
pub(super) fn until(mut rotation: Rotation, name: &str) -> Rotation {
    while rotation.action().unwrap().name() != name {
        if !rotation.action().unwrap().is_watched() {
            let intent = intended(&rotation, 1);
            rotation = walk(rotation, [intent]);
        }
        let outcome = done(&rotation);
        rotation = walk(rotation, [outcome]);
    }
    rotation
}

fn failure(kind: ErrorKind, retry: Retry) -> Failure {
    Failure {
        kind,
        retry,
        effect: Effect::Unknown,
        message: "it failed".to_owned(),
    }
}

pub(super) fn sample(verdict: Verdict) -> Sample {
    Sample {
        verdict,
        evidence: Vec::new(),
    }
}

#[test]
fn an_intent_without_an_outcome_is_acted_on_again() {
    let rotation = until(begun(), "stage");
    let intent = intended(&rotation, 1);
    let rotation = walk(rotation, [intent]);
    assert!(matches!(rotation.next(at(500)), Next::Act { attempt: 2, .. }));
}

#[test]
fn a_failure_waits_its_pause_and_a_spent_budget_is_stuck() {
    let rotation = until(begun(), "stage");
    let fail = failure(ErrorKind::Unavailable, Retry::Later);
    assert_eq!(rotation.remedy(&fail, 1, at(0)), Remedy::RetryAt(at(2)));
    assert_eq!(rotation.remedy(&fail, 4, at(0)), Remedy::RetryAt(at(16)));
    assert!(matches!(rotation.remedy(&fail, 5, at(0)), Remedy::Stick(_)));
}

#[test]
fn a_version_that_is_refused_before_anybody_got_it_is_taken_back() {
    let rotation = until(begun(), "prove");
    let refused = failure(ErrorKind::Refused, Retry::Never);
    assert!(matches!(rotation.remedy(&refused, 1, at(0)), Remedy::Unwind(_)));
    let past = until(begun(), "prove dead");
    assert!(matches!(past.remedy(&refused, 1, at(0)), Remedy::Stick(_)));
}

#[test]
fn a_preflight_that_says_no_changes_nothing_and_rests_rolled_back() {
    let rotation = begun();
    let invalid = failure(ErrorKind::Invalid, Retry::Never);
    let Remedy::Unwind(reason) = rotation.remedy(&invalid, 1, at(0)) else {
        panic!("nothing has changed yet")
    };
    let rotation = walk(rotation, [Event::Unwinding { reason, by: None }]);
    let intent = intended(&rotation, 1);
    let rotation = walk(rotation, [intent]);
    let outcome = done(&rotation);
    let rotation = walk(rotation, [outcome]);
    assert_eq!(rotation.outcome(), Some(Outcome::RolledBack));
}

#[test]
fn a_stuck_rotation_moves_only_when_somebody_says_so() {
    let rotation = until(begun(), "validate");
    let stuck = Event::Stuck {
        reason: "no".to_owned(),
    };
    let rotation = walk(rotation, [stuck]);
    assert_eq!(rotation.next(at(999_999)), Next::Rest(Outcome::Stuck));
    let resumed = walk(rotation, [Event::Resumed { by: "bob".to_owned() }]);
    assert!(matches!(resumed.next(at(999_999)), Next::Look { .. }));
}

#[test]
fn there_is_no_way_back_once_the_old_version_is_being_retired() {
    let back = Event::Unwinding {
        reason: "no".to_owned(),
        by: None,
    };
    let observing = until(begun(), "observe");
    assert!(observing.can_unwind());
    let retiring = until(begun(), "retire");
    assert!(!retiring.can_unwind());
    let next = entry(retiring.sequence().0 + 1, 999, back);
    assert!(retiring.apply(&next).is_err());
}

#[test]
fn a_single_bad_sample_holds_and_a_persisting_one_unwinds() {
    let rotation = until(begun(), "grace");
    let bad = sample(Verdict::Unhealthy("500s".to_owned()));
    let seen = rotation.observation(&bad).unwrap();
    let rotation = walk(rotation, [seen]);
    let since = rotation.last_at();
    assert!(matches!(rotation.judge(&bad, since), Judgement::Hold { .. }));
    let later = since + SignedDuration::from_mins(5);
    assert!(matches!(rotation.judge(&bad, later), Judgement::Unwind(_)));
}

#[test]
fn unknown_health_holds_for_ever_and_never_passes() {
    let rotation = until(begun(), "validate");
    let unknown = sample(Verdict::Unknown("empty vector".to_owned()));
    let seen = rotation.observation(&unknown).unwrap();
    let rotation = walk(rotation, [seen]);
    assert!(matches!(
        rotation.judge(&unknown, at(9_999_999)),
        Judgement::Hold { .. }
    ));
}

#[test]
fn the_soak_starts_again_after_a_bad_sample() {
    let rotation = until(begun(), "validate");
    let samples = [Verdict::Healthy, Verdict::Unhealthy("x".to_owned()), Verdict::Healthy];
    let mut rotation = rotation;
    for verdict in samples {
        let seen = rotation.observation(&sample(verdict)).unwrap();
        rotation = walk(rotation, [seen]);
    }
    let well_since = rotation.last_at();
    let healthy = sample(Verdict::Healthy);
    let soak = SignedDuration::from_mins(5);
    let too_early = well_since + soak - SignedDuration::from_secs(1);
    assert!(matches!(rotation.judge(&healthy, too_early), Judgement::Hold { .. }));
    assert_eq!(rotation.judge(&healthy, well_since + soak), Judgement::Pass);
}

#[test]
fn a_grace_that_is_cut_short_still_outlasts_live_tokens() {
    let rotation = Rotation::open(&opened(Overlap::KeyRing, manual())).unwrap();
    let rotation = walk(until(rotation, "grace"), [Event::CutShort { by: "bob".to_owned() }]);
    let healthy = sample(Verdict::Healthy);
    let began = rotation.step_since();
    let tokens = SignedDuration::from_mins(16);
    let one = SignedDuration::from_secs(1);
    assert!(matches!(
        rotation.judge(&healthy, began + tokens - one),
        Judgement::Hold { .. }
    ));
    assert_eq!(rotation.judge(&healthy, began + tokens), Judgement::Pass);
}

#[test]
fn a_routine_rotation_waits_out_its_notice() {
    let rotation = until(
        Rotation::open(&opened(Overlap::TwoVersions, Trigger::Routine)).unwrap(),
        "announce",
    );
    let told = sample(Verdict::Healthy);
    let notice = SignedDuration::from_hours(24);
    let before = rotation.step_since() + notice - SignedDuration::from_secs(1);
    assert!(matches!(rotation.judge(&told, before), Judgement::Hold { .. }));
    assert_eq!(rotation.judge(&told, rotation.step_since() + notice), Judgement::Pass);
}

#[test]
fn only_a_grace_is_watched_as_a_grace() {
    let grace = |action: &Action| {
        matches!(
            action,
            Action::Watch {
                watch: Watch::Grace,
                ..
            }
        )
    };
    assert_eq!(begun().plan().steps().iter().filter(|step| grace(step)).count(), 1);
}

#[test]
fn stored_entries_read_back_and_newer_ones_are_refused() {
    let first = opened(Overlap::KeyRing, Trigger::Routine);
    assert_eq!(decode(&encode(&first)).unwrap(), first);
    let newer = encode(&first).replacen("\"v\":1", "\"v\":2", 1);
    assert!(matches!(decode(&newer), Err(RecordError::Newer(2))));
    assert!(matches!(decode("{\"v\":1}"), Err(RecordError::Damaged(_))));
}

/// Anything that could be appended, legal or not.
fn any_event() -> impl Strategy<Value = Event> {
    let position = (any::<bool>(), 0usize..20).prop_map(|(unwinding, index)| Position { unwinding, index });
    prop_oneof![
        (position.clone(), 0u32..4).prop_map(|(step, attempt)| Event::Intended {
            step,
            attempt,
            existed_before: None
        }),
        position.clone().prop_map(|step| Event::Done {
            step,
            evidence: Vec::new(),
            attributes: Attributes::new()
        }),
        (position.clone(), 0u32..4).prop_map(|(step, attempt)| Event::Failed {
            step,
            attempt,
            failure: failure(ErrorKind::TimedOut, Retry::Later),
            retry_at: at(0),
        }),
        position.prop_map(|step| Event::Observed {
            step,
            verdict: Observed::Healthy,
            evidence: Vec::new()
        }),
        Just(Event::Approved { by: "bob".to_owned() }),
        Just(Event::CutShort { by: "bob".to_owned() }),
        Just(Event::Unwinding {
            reason: "no".to_owned(),
            by: None
        }),
        Just(Event::Stuck {
            reason: "no".to_owned()
        }),
        Just(Event::Resumed { by: "bob".to_owned() }),
        Just(Event::Measured {
            samples: 1,
            refused: 0,
            downtime: SignedDuration::ZERO
        }),
    ]
}

proptest! {
    #[test]
    fn apply_never_panics_and_what_it_accepts_replays_to_the_same_rotation(
        events in proptest::collection::vec(any_event(), 0..200),
        ring in any::<bool>(),
    ) {
        let first = opened(if ring { Overlap::KeyRing } else { Overlap::TwoVersions }, manual());
        let mut journal = vec![first.clone()];
        let mut rotation = Rotation::open(&first).unwrap();
        for event in events {
            let next = entry(rotation.sequence().0 + 1, journal.len() as i64, event);
            if let Ok(moved) = rotation.clone().apply(&next) {
                rotation = moved;
                journal.push(next);
            }
        }
        let stored: Vec<Entry> = journal.iter().map(|entry| decode(&encode(entry)).unwrap()).collect();
        prop_assert_eq!(Rotation::replay(&stored).unwrap(), rotation);
    }

    #[test]
    fn from_every_prefix_of_every_history_it_completes_or_unwinds(steps in 0usize..40, back in any::<bool>(), ring in any::<bool>()) {
        let first = opened(if ring { Overlap::KeyRing } else { Overlap::TwoVersions }, manual());
        let mut rotation = Rotation::open(&first).unwrap();
        for count in 0..80 {
            if rotation.outcome().is_some() {
                break;
            }
            if count == steps && back && rotation.can_unwind() {
                rotation = walk(rotation, [Event::Unwinding { reason: "no".to_owned(), by: None }]);
            }
            if !rotation.action().unwrap().is_watched() {
                let intent = intended(&rotation, 1);
                rotation = walk(rotation, [intent]);
            }
            let outcome = done(&rotation);
            rotation = walk(rotation, [outcome]);
        }
        prop_assert!(matches!(rotation.outcome(), Some(Outcome::Completed | Outcome::RolledBack)));
    }
}
