//! What a rotation tells about itself.

use super::tests::{at, begun, done, entry, intended, manual, opened, policy_with_approver, until, walk};
use super::*;
use crate::evidence::EvidenceKind;
use crate::plan::Overlap;
use crate::ports::{Effect, ErrorKind, Retry};

#[test]
fn it_tells_who_asked_when_and_why() {
    let rotation = begun();
    assert_eq!(rotation.requested_by(), "alice");
    assert_eq!(rotation.opened_at(), at(0));
    assert_eq!(*rotation.trigger(), manual());
    assert_eq!(rotation.approved_by(), None);
}

#[test]
fn it_tells_who_approved_it() {
    let first = policy_with_approver("carol");
    let rotation = until(Rotation::open(&first).unwrap(), "approve");
    let by = "carol".to_owned();
    let rotation = walk(rotation, [Event::Approved { by }]);
    assert_eq!(rotation.approved_by(), Some("carol"));
}

#[test]
fn it_is_exposed_from_its_first_effect_to_its_last() {
    assert!(!begun().is_exposed());
    assert!(!until(begun(), "stage").is_exposed(), "nothing was changed yet");
    assert!(until(begun(), "prove").is_exposed());
    assert!(until(begun(), "close").is_exposed());
    let back = walk(
        until(begun(), "prove"),
        [Event::Unwinding {
            reason: "no".to_owned(),
            by: None,
        }],
    );
    assert!(back.is_exposed());
    let last = until(back, "close");
    let intent = intended(&last, 1);
    let last = walk(last, [intent]);
    let outcome = done(&last);
    assert!(!walk(last, [outcome]).is_exposed(), "it is over");
}

#[test]
fn it_tells_what_went_wrong_and_what_was_proved() {
    let rotation = until(begun(), "prove");
    let step = rotation.position();
    let intent = intended(&rotation, 1);
    let proof = Evidence::new(EvidenceKind::Accepted, "v2", "logged in");
    let note = Evidence::new(EvidenceKind::Checked, "store", "fine");
    let done = Event::Done {
        step,
        evidence: vec![proof.clone(), note],
        attributes: Attributes::new(),
    };
    let stuck = Event::Stuck {
        reason: "no route".to_owned(),
    };
    let measured = Event::Measured {
        samples: 3,
        refused: 1,
        downtime: SignedDuration::from_secs(2),
    };
    let rotation = walk(rotation, [intent, done, measured.clone(), measured, stuck]);
    assert_eq!(rotation.proofs(), [proof]);
    assert_eq!(rotation.failures(), ["no route"]);
    let canary = rotation.canary();
    assert_eq!(
        (canary.samples, canary.refused, canary.downtime),
        (6, 2, SignedDuration::from_secs(4))
    );
}

#[test]
fn it_tells_why_it_goes_back_and_what_it_watches() {
    let rotation = until(begun(), "grace");
    let step = rotation.position();
    let observed = Event::Observed {
        step,
        verdict: Observed::Healthy,
        evidence: Vec::new(),
    };
    let rotation = walk(rotation, [observed]);
    assert_eq!(rotation.watched().unwrap().since, rotation.last_at());
    let reason = "errors".to_owned();
    let back = walk(rotation, [Event::Unwinding { reason, by: None }]);
    assert_eq!(back.unwound_because(), Some("errors"));
    assert_eq!(back.destination(), VersionNumber(1));
    assert_eq!(back.watched(), None);
}

#[test]
fn what_existed_before_the_first_attempt_to_mint_is_kept() {
    let rotation = until(
        Rotation::open(&opened(Overlap::TwoVersions, manual())).unwrap(),
        "stage",
    );
    let step = rotation.position();
    let intend = |attempt, existed: &[&str]| Event::Intended {
        step,
        attempt,
        existed_before: Some(existed.iter().map(|id| (*id).to_owned()).collect()),
    };
    let rotation = walk(rotation, [intend(1, &["old"]), intend(2, &["old", "orphan"])]);
    assert_eq!(rotation.existed_before(), Some(&["old".to_owned()][..]));
}

#[test]
fn an_entry_out_of_order_or_of_the_past_is_refused() {
    let rotation = begun();
    let measured = || Event::Measured {
        samples: 1,
        refused: 0,
        downtime: SignedDuration::ZERO,
    };
    assert!(rotation.clone().apply(&entry(3, 1, measured())).is_err());
    assert!(rotation.clone().apply(&entry(2, -1, measured())).is_err());
    assert!(rotation.apply(&entry(2, 0, measured())).is_ok());
}

/// An attempt at the step under the cursor that failed for good.
fn failed(rotation: Rotation, message: &str) -> Rotation {
    let intent = intended(&rotation, 1);
    let failed = Event::Failed {
        step: rotation.position(),
        attempt: 1,
        failure: Failure {
            kind: ErrorKind::Unavailable,
            retry: Retry::Never,
            effect: Effect::None,
            message: message.to_owned(),
        },
        retry_at: rotation.last_at(),
    };
    walk(rotation, [intent, failed])
}

#[test]
fn a_failure_and_what_became_of_it_are_told_once() {
    let stuck = |reason: &str| Event::Stuck {
        reason: reason.to_owned(),
    };
    let unwinding = |reason: &str| Event::Unwinding {
        reason: reason.to_owned(),
        by: None,
    };
    let by = || Event::Resumed { by: "ada".to_owned() };
    let rotation = walk(failed(until(begun(), "stage"), "no route"), [stuck("stage: no route")]);
    assert_eq!(rotation.failures(), ["stage: no route"]);
    assert_eq!(rotation.stuck_because(), Some("stage: no route"));
    let rotation = walk(rotation, [by()]);
    assert_eq!(rotation.stuck_because(), None);
    let back = walk(failed(rotation.clone(), "refused"), [unwinding("stage: refused")]);
    assert_eq!(back.failures(), ["stage: no route", "rolled back: stage: refused"]);
    let asked = walk(failed(rotation, "no route"), [unwinding("a detour: through no route")]);
    let told = ["stage: no route", "no route", "rolled back: a detour: through no route"];
    assert_eq!(asked.failures(), told, "another reason leaves the failure where it is");
}

#[test]
fn what_was_observed_and_became_the_reason_is_told_once() {
    let rotation = until(begun(), "validate");
    let step = rotation.position();
    let verdict = Observed::Unhealthy("5 of 9 logins failed".to_owned());
    let observed = Event::Observed {
        step,
        verdict,
        evidence: Vec::new(),
    };
    let reason = "errors persisted since noon: 5 of 9 logins failed".to_owned();
    let back = walk(rotation, [observed, Event::Unwinding { reason, by: None }]);
    assert_eq!(
        back.failures(),
        ["rolled back: errors persisted since noon: 5 of 9 logins failed"]
    );
}
