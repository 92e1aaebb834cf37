//! What looks at the world mean, at the very moments at which they begin to mean something else.

use jiff::SignedDuration;

use super::tests::{at, begun, intended, manual, opened, opened_by, policy, policy_with_approver, sample, until, walk};
use super::*;
use crate::evidence::EvidenceKind;
use crate::id::Revision;
use crate::plan::Overlap;
use crate::policy::{AtDeadline, EvidenceRule};
use crate::ports::{Effect, ErrorKind, Instance, Retry, Sample, Usage, Verdict, WorkloadReport};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn ill() -> Sample {
    sample(Verdict::Unhealthy("something".to_owned()))
}

fn seen(rotation: Rotation, sample: &Sample) -> Rotation {
    match rotation.observation(sample) {
        Some(event) => walk(rotation, [event]),
        None => rotation,
    }
}

fn holds(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Hold { .. })
}

#[test]
fn consumers_have_until_the_deadline_to_converge() {
    let rotation = until(begun(), "converge");
    let deadline = rotation.step_since() + policy().converge_within;
    assert_eq!(rotation.judge(&sample(Verdict::Healthy), at(0)), Judgement::Pass);
    assert!(holds(&rotation.judge(&ill(), deadline - SECOND)));
    let late = rotation.judge(&ill(), deadline);
    assert_eq!(
        late,
        Judgement::Unwind("consumers did not converge in time: something".to_owned())
    );
}

#[test]
fn a_view_is_everywhere_where_every_instance_says_so() {
    let rotation = until(begun(), "converge");
    let Some(Action::Converge { view }) = rotation.action().cloned() else {
        panic!("{:?}", rotation.action())
    };
    let verdict = |revisions: &[Option<Revision>]| {
        let instances = revisions.iter().enumerate().map(|(number, revision)| Instance {
            name: format!("pod-{number}"),
            revision: *revision,
            detail: "as it says".to_owned(),
        });
        let report = WorkloadReport::Instances(instances.collect());
        rotation.converged(&view, &[("api".to_owned(), report)], at(0)).verdict
    };
    let (new, old) = (Some(view.revision), Some(Revision(view.revision.0 - 1)));
    assert_eq!(verdict(&[new, new]), Verdict::Healthy);
    let behind = format!(
        "r{} is not everywhere: api/pod-1 runs r{}",
        view.revision,
        view.revision.0 - 1
    );
    assert_eq!(verdict(&[new, old, None]), Verdict::Unhealthy(behind));
    let silent = "api/pod-1 does not say what it runs".to_owned();
    assert_eq!(verdict(&[new, None]), Verdict::Unknown(silent));
    assert_eq!(verdict(&[]), Verdict::Unknown("api has no instance".to_owned()));
}

#[test]
fn who_cannot_be_asked_has_picked_it_up_when_the_time_for_that_is_over() {
    let rotation = until(begun(), "converge");
    let Some(Action::Converge { view }) = rotation.action().cloned() else {
        panic!("{:?}", rotation.action())
    };
    let over = rotation.step_since() + policy().adopt_within;
    let reports = [("api".to_owned(), WorkloadReport::Untold("it has no report".to_owned()))];
    let before = rotation.converged(&view, &reports, over - SECOND).verdict;
    assert_eq!(
        before,
        Verdict::Unknown("api to have picked it up (it has no report)".to_owned())
    );
    assert_eq!(rotation.converged(&view, &reports, over).verdict, Verdict::Healthy);
}

#[test]
fn a_version_is_unused_where_somebody_can_tell_and_nobody_was_seen() {
    let fact = |who: &str| vec![Evidence::new(EvidenceKind::Usage, who, "seen")];
    let verdict = |usages: &[Usage], rule| drained(usages, rule).verdict;
    let unused = Usage::Unused(fact("sessions"));
    assert_eq!(
        verdict(&[unused.clone(), Usage::Untold], EvidenceRule::Required),
        Verdict::Healthy
    );
    let used = [unused, Usage::InUse(fact("worker"))];
    let by = Verdict::Unhealthy("still used by worker (seen)".to_owned());
    assert_eq!(verdict(&used, EvidenceRule::IfAvailable), by);
    assert!(matches!(
        verdict(&[Usage::Untold], EvidenceRule::Required),
        Verdict::Unknown(_)
    ));
    let untold = drained(&[Usage::Untold], EvidenceRule::IfAvailable);
    assert_eq!(untold.verdict, Verdict::Healthy);
    assert!(untold.evidence[0].detail.contains("no backend can tell"), "{untold:?}");
}

/// A rotation at its drain, under a policy that says that about its deadline.
fn draining(at_deadline: AtDeadline) -> Rotation {
    let mut policy = policy();
    policy.drain.at_deadline = at_deadline;
    let first = opened_by(&policy, Overlap::TwoVersions, manual());
    until(Rotation::open(&first).unwrap(), "drain")
}

#[test]
fn the_old_version_has_to_stay_unused() {
    let well = sample(Verdict::Healthy);
    let rotation = seen(draining(AtDeadline::Hold), &well);
    let quiet = rotation.last_at() + policy().drain.quiet;
    assert!(holds(&rotation.judge(&well, quiet - SECOND)));
    assert_eq!(rotation.judge(&well, quiet), Judgement::Pass);
}

#[test]
fn uses_hold_a_drain_until_its_deadline_and_then_the_policy_decides() {
    for (at_deadline, then) in [
        (AtDeadline::Hold, None),
        (AtDeadline::Proceed, Some(Judgement::Pass)),
        (
            AtDeadline::Unwind,
            Some(Judgement::Unwind("the old version is still used: something".to_owned())),
        ),
    ] {
        let rotation = seen(draining(at_deadline), &ill());
        let deadline = rotation.step_since() + policy().drain.deadline;
        assert!(holds(&rotation.judge(&ill(), deadline - SECOND)));
        let late = rotation.judge(&ill(), deadline);
        match then {
            Some(then) => assert_eq!(late, then),
            None => assert!(holds(&late), "{late:?}"),
        }
    }
}

#[test]
fn a_rotation_that_was_announced_waits_for_its_window() {
    let mut policy = policy();
    policy.windows = vec!["Tue 02:00-04:00 UTC".parse().unwrap()];
    let first = opened_by(&policy, Overlap::TwoVersions, Trigger::Routine);
    let rotation = until(Rotation::open(&first).unwrap(), "announce");
    // The rotation begins on Tuesday 14 November 2023 at 22:13; the notice is over a day later.
    let told = sample(Verdict::Healthy);
    let opens = "2023-11-21T02:00:00Z".parse().unwrap();
    let noticed = rotation.step_since() + policy.notice;
    let Judgement::Hold { until, earliest, .. } = rotation.judge(&told, noticed) else {
        panic!("it waits");
    };
    assert_eq!((until, earliest), (opens, opens));
    assert_eq!(rotation.judge(&told, opens), Judgement::Pass);
    assert!(holds(&rotation.judge(&ill(), opens)), "nobody was told");
}

#[test]
fn on_the_way_back_only_time_counts() {
    let rotation = Rotation::open(&opened(Overlap::KeyRing, manual())).unwrap();
    let rotation = until(rotation, "validate");
    let back = walk(
        rotation,
        [Event::Unwinding {
            reason: "no".to_owned(),
            by: None,
        }],
    );
    let rotation = seen(until(back, "outlast"), &ill());
    let over = rotation.step_since() + SignedDuration::from_mins(16);
    assert!(holds(&rotation.judge(&ill(), over - SECOND)));
    assert_eq!(rotation.judge(&ill(), over), Judgement::Pass);
}

#[test]
fn the_same_verdict_in_other_words_is_no_news_and_keeps_its_beginning() {
    let rotation = seen(until(begun(), "validate"), &ill());
    let since = rotation.watched().unwrap().since;
    let other = sample(Verdict::Unhealthy("something else".to_owned()));
    assert_eq!(rotation.observation(&other), None);
    let again = Event::Observed {
        step: rotation.position(),
        verdict: Observed::from(&other.verdict),
        evidence: Vec::new(),
    };
    assert_eq!(walk(rotation, [again]).watched().unwrap().since, since);
}

#[test]
fn consumers_have_switched_since_the_first_delivery_that_shows_the_new_version() {
    let rotation = Rotation::open(&opened(Overlap::KeyRing, manual())).unwrap();
    let published = until(rotation, "prove");
    assert_eq!(published.switched_at(), None, "the new key does not sign yet");
    let switched = until(published, "validate");
    let since = switched.switched_at().expect("the new key signs");
    assert!(since <= switched.last_at());
    assert_eq!(until(switched, "close").switched_at(), Some(since));
}

#[test]
fn what_happens_next_is_what_the_step_is_for() {
    let step = |name: &str| until(begun(), name).next(at(0));
    assert!(matches!(
        step("stage"),
        Next::Act {
            action: Action::Stage { .. },
            attempt: 1
        }
    ));
    assert!(matches!(
        step("converge"),
        Next::Look {
            action: Action::Converge { .. }
        }
    ));
    let first = policy_with_approver("carol");
    let asked = until(Rotation::open(&first).unwrap(), "approve").next(at(0));
    let approvers = vec!["carol".to_owned()];
    assert_eq!(asked, Next::Ask(Question::Approve { approvers }));
}

#[test]
fn a_step_that_failed_waits_for_its_moment() {
    let stage = until(begun(), "stage");
    let acting = walk(stage.clone(), [intended(&stage, 1)]);
    let retry_at = acting.last_at() + SignedDuration::from_secs(10);
    let failed = Event::Failed {
        step: acting.position(),
        attempt: 1,
        failure: Failure {
            kind: ErrorKind::Unavailable,
            retry: Retry::Later,
            effect: Effect::None,
            message: "away".to_owned(),
        },
        retry_at,
    };
    let rotation = walk(acting, [failed]);
    let Next::Wait { until, why } = rotation.next(retry_at - SECOND) else {
        panic!("it waits")
    };
    assert_eq!((until, why.as_str()), (retry_at, "to try again: away"));
    assert!(matches!(rotation.next(retry_at), Next::Act { attempt: 2, .. }));
}

#[test]
fn a_hold_says_when_to_look_again_and_what_it_waits_for() {
    for (step, waits_for) in [
        ("validate", "health to hold"),
        ("grace", "the grace period"),
        ("observe", "damage to show"),
    ] {
        let rotation = until(begun(), step);
        let now = rotation.step_since() + SECOND;
        let Judgement::Hold { until, why, .. } = rotation.judge(&sample(Verdict::Healthy), now) else {
            panic!("{step} takes longer than a second")
        };
        assert_eq!((until, why.as_str()), (now + policy().poll, waits_for));
    }
    let back = Rotation::open(&opened(Overlap::KeyRing, manual())).unwrap();
    let reason = "no".to_owned();
    let back = walk(until(back, "validate"), [Event::Unwinding { reason, by: None }]);
    let outlast = until(back, "outlast");
    let now = outlast.step_since() + SECOND;
    let Judgement::Hold { why, .. } = outlast.judge(&sample(Verdict::Healthy), now) else {
        panic!("tokens live for longer than a second")
    };
    assert_eq!(why, "live tokens to expire");
}
