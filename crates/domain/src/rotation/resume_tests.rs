//! What a resumed rotation does: it has its time again.

use super::tests::{at, begun, done, entry, intended, manual, opened_by, policy, sample, until, walk};
use super::*;
use crate::plan::Overlap;
use crate::policy::AtDeadline;
use crate::ports::Verdict;

/// Stuck at that step, and resumed long after it.
fn resumed_at(rotation: Rotation, reason: &str) -> Rotation {
    let stuck = Event::Stuck {
        reason: reason.to_owned(),
    };
    let rotation = walk(rotation, [stuck]);
    let by = "bob".to_owned();
    let later = rotation.last_at().as_second() - at(0).as_second() + 1_000_000;
    let resumed = entry(rotation.sequence().0 + 1, later, Event::Resumed { by });
    rotation.apply(&resumed).unwrap()
}

#[test]
fn consumers_that_did_not_converge_are_told_again_and_have_their_whole_time_again() {
    let back = Event::Unwinding {
        reason: "no".to_owned(),
        by: None,
    };
    let unwinding = walk(until(begun(), "converge"), [back]);
    for stuck in [until(begun(), "converge"), until(unwinding, "converge")] {
        let converging = stuck.position();
        let rotation = resumed_at(stuck, "nobody reports");
        assert_eq!(rotation.action().unwrap().name(), "roll out");
        let told = walk(rotation.clone(), [intended(&rotation, 1), done(&rotation)]);
        assert_eq!(told.position(), converging);
        let behind = sample(Verdict::Unhealthy("web-1 runs r1".to_owned()));
        let limit = told.step_since() + told.plan().limits().converge_within;
        let one = SignedDuration::from_secs(1);
        assert!(matches!(told.judge(&behind, limit - one), Judgement::Hold { .. }));
        assert!(!matches!(told.judge(&behind, limit), Judgement::Hold { .. }));
    }
}

#[test]
fn a_drain_that_is_resumed_has_its_whole_time_again() {
    let mut policy = policy();
    policy.drain.at_deadline = AtDeadline::Unwind;
    let first = opened_by(&policy, Overlap::TwoVersions, manual());
    let stuck = until(Rotation::open(&first).unwrap(), "drain");
    let draining = stuck.position();
    let rotation = resumed_at(stuck, "still used");
    assert_eq!(rotation.position(), draining);
    let used = sample(Verdict::Unhealthy("by a batch job".to_owned()));
    let limit = rotation.last_at() + policy.drain.deadline;
    let one = SignedDuration::from_secs(1);
    assert!(matches!(rotation.judge(&used, limit - one), Judgement::Hold { .. }));
    assert!(matches!(rotation.judge(&used, limit), Judgement::Unwind(_)));
}

#[test]
fn a_grace_that_is_resumed_does_not_begin_anew() {
    let stuck = until(begun(), "grace");
    let began = stuck.step_since();
    assert_eq!(resumed_at(stuck, "errors").step_since(), began);
}
