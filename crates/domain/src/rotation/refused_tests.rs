//! Entries that are not in the table: each is refused, and says why.

use super::tests::{at, begun, done, entry, intended, policy_with_approver, until, walk};
use super::*;

fn refused(rotation: &Rotation, event: Event) -> String {
    let next = entry(rotation.sequence().0 + 1, 1_000_000_000, event);
    rotation.clone().apply(&next).unwrap_err().to_string()
}

fn watched_well(rotation: &Rotation) -> Event {
    Event::Observed {
        step: rotation.position(),
        verdict: Observed::Healthy,
        evidence: Vec::new(),
    }
}

#[test]
fn what_is_said_of_another_step_is_refused() {
    let rotation = until(begun(), "validate");
    let elsewhere = Position {
        index: rotation.position().index + 1,
        ..rotation.position()
    };
    let observed = Event::Observed {
        step: elsewhere,
        verdict: Observed::Healthy,
        evidence: Vec::new(),
    };
    let ended = Event::Done {
        step: elsewhere,
        evidence: Vec::new(),
        attributes: Attributes::new(),
    };
    let acting = walk(until(begun(), "stage"), [intended(&until(begun(), "stage"), 1)]);
    assert!(refused(&rotation, observed).contains("the rotation stands at"));
    assert!(refused(&rotation, ended.clone()).contains("the rotation stands at"));
    assert!(refused(&acting, ended).contains("the rotation stands at"));
}

#[test]
fn only_a_watched_step_is_looked_at_and_only_an_acting_one_has_an_outcome() {
    let stage = until(begun(), "stage");
    assert!(refused(&stage, watched_well(&stage)).contains("the step is not watched"));
    assert!(refused(&stage, done(&stage)).contains("the step was not under way"));
    let acting = walk(stage.clone(), [intended(&stage, 1)]);
    assert!(refused(&acting, watched_well(&acting)).contains("the step is not watched"));
    let validate = until(begun(), "validate");
    assert!(refused(&validate, intended(&validate, 1)).contains("never acts"));
}

#[test]
fn an_approval_is_given_by_somebody_and_not_by_time() {
    let first = policy_with_approver("carol");
    let rotation = until(Rotation::open(&first).unwrap(), "approve");
    assert!(refused(&rotation, done(&rotation)).contains("the step was not under way"));
    let by = "carol".to_owned();
    assert!(!refused(&until(begun(), "stage"), Event::Approved { by }).is_empty());
}

#[test]
fn nothing_is_cut_short_but_a_grace_that_runs() {
    let cut = || Event::CutShort { by: "bob".to_owned() };
    for step in ["stage", "validate", "drain"] {
        assert!(
            refused(&until(begun(), step), cut()).contains("no grace is running"),
            "{step}"
        );
    }
    let grace = until(begun(), "grace");
    let reason = "a backend is away".to_owned();
    let stuck = walk(grace, [Event::Stuck { reason }]);
    assert!(refused(&stuck, cut()).contains("no grace is running"));
    assert!(stuck.last_at() > at(0));
}
