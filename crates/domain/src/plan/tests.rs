use jiff::SignedDuration;

use super::*;
use crate::id::Revision;
use crate::policy::{GracePlacement, TokenLifetime};
use crate::schedule::Period;
use crate::trigger::{EmergencyMode, LiveTokens};

fn shape(overlap: Overlap) -> Shape {
    Shape {
        overlap,
        minted_by: MintedBy::Us,
        can_suspend: true,
        archived: true,
    }
}

fn policy() -> Policy {
    let mut policy = Policy::new(Period::months(6));
    policy.grace = SignedDuration::from_hours(24 * 8);
    policy.tokens = [("access", 1), ("refresh", 24 * 7)]
        .map(|(name, hours)| TokenLifetime {
            name: name.to_owned(),
            lifetime: SignedDuration::from_hours(hours),
        })
        .to_vec();
    policy
}

fn emergency(mode: EmergencyMode, live_tokens: LiveTokens) -> Trigger {
    let incident = "SEC-1".to_owned();
    Trigger::Emergency {
        incident,
        mode,
        live_tokens,
    }
}

fn plan(shape: Shape, policy: &Policy, trigger: &Trigger) -> Result<Plan, PlanError> {
    let view = View::new(Revision(1), VersionNumber(1), [VersionNumber(1)]);
    let new = VersionNumber(2);
    Plan::new(&PlanRequest {
        shape,
        policy,
        trigger,
        view,
        new,
    })
}

fn names(plan: &Plan) -> Vec<&'static str> {
    plan.steps().iter().map(Action::name).collect()
}

#[test]
fn a_presented_credential_is_staged_proved_and_drained_before_the_old_one_goes() {
    let plan = plan(shape(Overlap::TwoVersions), &policy(), &Trigger::Routine).unwrap();
    let expected = "preflight generate announce stage prove deliver,roll out,converge,validate grace drain suspend observe retire,prove dead,archive close";
    assert_eq!(names(&plan).join(" "), expected.replace(',', " "));
    assert!(plan.interruptions().is_empty());
    assert_eq!(plan.steps()[plan.point_of_no_return()].name(), "retire");
}

#[test]
fn a_key_ring_is_published_and_adopted_before_it_signs() {
    let plan = plan(shape(Overlap::KeyRing), &policy(), &Trigger::Routine).unwrap();
    let steps: Vec<String> = plan.steps().iter().map(ToString::to_string).collect();
    assert_eq!(steps[3], "deliver r2 (primary 1, accepted 1,2)");
    assert_eq!(steps[7], "deliver r3 (primary 2, accepted 1,2)");
    assert_eq!(steps[13], "deliver r4 (primary 2, accepted 2)");
    assert_eq!(plan.steps()[plan.point_of_no_return()].name(), "prove dead");
}

#[test]
fn the_unwinding_of_a_switched_key_ring_outlasts_what_the_new_key_signed() {
    let plan = plan(shape(Overlap::KeyRing), &policy(), &Trigger::Routine).unwrap();
    let back: Vec<String> = plan.unwinding(9).iter().map(ToString::to_string).collect();
    let expected = "deliver r5 (primary 1, accepted 1,2)|roll out r5|converge r5|outlast for 7 days 1 min|deliver r6 (primary 1, accepted 1)|roll out r6|converge r6|prove dead version 2|close";
    assert_eq!(back.join("|"), expected);
}

#[test]
fn a_grace_shorter_than_the_longest_token_is_refused_with_its_story() {
    let mut policy = policy();
    policy.grace = SignedDuration::from_hours(48);
    let error = plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("tokens signed by version {1} could be refused at step \"deliver r4 (primary 2, accepted 2)\""),
        "{words}"
    );
    assert!(words.contains("set grace to 7 days 1 min or more"), "{words}");
}

#[test]
fn one_version_at_a_time_needs_a_declared_interruption() {
    let mut policy = policy();
    let refused = plan(shape(Overlap::OneVersion), &policy, &Trigger::Routine).unwrap_err();
    assert!(refused.to_string().contains("interruption ="), "{refused}");
    policy.interruption = Some("nightly batch only".to_owned());
    let plan = plan(shape(Overlap::OneVersion), &policy, &Trigger::Routine).unwrap();
    let during: Vec<&str> = plan.interruptions().iter().map(|i| i.name.as_str()).collect();
    assert_eq!(during, ["replace", "prove", "deliver", "roll out", "converge"]);
}

#[test]
fn an_interruption_of_the_policy_excuses_nothing_where_versions_can_overlap() {
    let mut policy = policy();
    policy.interruption = Some("whatever".to_owned());
    policy.grace = SignedDuration::ZERO;
    assert!(plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).is_err());
}

#[test]
fn every_shape_and_trigger_has_a_plan_that_reads_back_as_itself() {
    let mut policy = policy();
    policy.interruption = Some("declared".to_owned());
    let triggers = [
        Trigger::Routine,
        Trigger::Manual {
            reason: "test".to_owned(),
        },
        emergency(EmergencyMode::Expedited, LiveTokens::Honour),
        emergency(EmergencyMode::Expedited, LiveTokens::Refuse),
        emergency(EmergencyMode::ContainFirst, LiveTokens::Refuse),
    ];
    for overlap in [Overlap::TwoVersions, Overlap::OneVersion, Overlap::KeyRing] {
        for trigger in &triggers {
            for can_suspend in [true, false] {
                let shape = Shape {
                    can_suspend,
                    ..shape(overlap)
                };
                let plan = plan(shape, &policy, trigger).unwrap_or_else(|e| panic!("{shape:?} {trigger:?}: {e}"));
                let json = serde_json::to_string(&plan).unwrap();
                assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
            }
        }
    }
}

#[test]
fn a_plan_that_was_tampered_with_does_not_read_back() {
    let plan = plan(shape(Overlap::TwoVersions), &policy(), &Trigger::Routine).unwrap();
    let mut json = serde_json::to_value(&plan).unwrap();
    let steps = json["steps"].as_array_mut().unwrap();
    let retire = steps.iter().position(|step| step["action"] == "retire").unwrap();
    let early = steps.remove(retire);
    steps.insert(4, early);
    let error = serde_json::from_value::<Plan>(json).unwrap_err();
    assert!(error.to_string().contains("lock somebody out"), "{error}");
}

#[test]
fn who_presents_and_who_accepts_is_known_after_every_step() {
    let plan = plan(shape(Overlap::KeyRing), &policy(), &Trigger::Routine).unwrap();
    let states = plan.reachable();
    let both: BTreeSet<VersionNumber> = [VersionNumber(1), VersionNumber(2)].into();
    assert_eq!(states.len(), plan.steps().len());
    assert_eq!(
        states[3].accepted,
        [VersionNumber(1)].into(),
        "delivered is not adopted"
    );
    assert_eq!(states[5].accepted, both);
    assert_eq!(states[9].presented, both, "tokens of the old key live on");
    let end = states.last().unwrap();
    assert_eq!(
        (&end.presented, &end.accepted),
        (&[VersionNumber(2)].into(), &[VersionNumber(2)].into())
    );
}

#[test]
fn lengths_are_written_as_people_say_them() {
    let written = [
        0,
        250,
        90_000,
        3_600_000,
        86_100_000,
        172_800_000,
        691_200_000,
        604_860_000,
    ]
    .map(|millis| text::length(SignedDuration::from_millis(millis)));
    let said = [
        "0 s",
        "250 ms",
        "1 min 30 s",
        "1 h",
        "23 h 55 min",
        "48 h",
        "8 days",
        "7 days 1 min",
    ];
    assert_eq!(written, said);
}

/// What a stored plan reads back as once somebody changed its steps.
fn tampered(overlap: Overlap, change: impl FnOnce(&mut Vec<serde_json::Value>)) -> Result<Plan, serde_json::Error> {
    let plan = plan(shape(overlap), &policy(), &Trigger::Routine).unwrap();
    let mut stored = serde_json::to_value(&plan).unwrap();
    change(stored["steps"].as_array_mut().unwrap());
    serde_json::from_value(stored)
}

fn position(steps: &[serde_json::Value], name: &str) -> usize {
    steps.iter().position(|step| step["action"] == name).unwrap()
}

#[test]
fn a_wait_that_is_shorter_than_it_says_outlasts_nothing() {
    let plan = tampered(Overlap::KeyRing, |steps| {
        for step in steps.iter_mut().filter(|step| step["watch"] == "grace") {
            step["length"] = "PT0S".into();
        }
    });
    assert!(plan.unwrap_err().to_string().contains("lock somebody out"));
}

#[test]
fn converging_to_what_was_not_delivered_proves_nothing() {
    let plan = tampered(Overlap::KeyRing, |steps| {
        // The first delivery publishes another key under the revision that every later step names.
        let publish = position(steps, "deliver");
        steps[publish]["to"]["accepted"] = serde_json::json!([1, 7]);
    });
    assert!(plan.unwrap_err().to_string().contains("lock somebody out"));
}

#[test]
fn converging_to_what_stores_show_no_longer_is_no_convergence() {
    let plan = tampered(Overlap::TwoVersions, |steps| {
        // The stores show the old version again before anybody is asked what it runs.
        let mut back = steps[position(steps, "deliver")].clone();
        back["to"] = serde_json::json!({"revision": 9, "primary": 1, "accepted": [1]});
        let converge = position(steps, "converge");
        steps.insert(converge, back);
    });
    assert!(plan.unwrap_err().to_string().contains("lock somebody out"));
}

#[test]
fn replacing_ends_every_other_version_whatever_it_names() {
    let plan = tampered(Overlap::TwoVersions, |steps| {
        let stage = position(steps, "stage");
        steps[stage] = serde_json::json!({"action": "replace", "from": 7, "to": 2});
    });
    assert!(plan.unwrap_err().to_string().contains("lock somebody out"));
}

#[test]
fn consumers_that_cannot_be_asked_must_have_time_to_converge() {
    let mut policy = policy();
    policy.converge_within = SignedDuration::from_mins(4);
    policy.adopt_within = SignedDuration::from_mins(5);
    let error = plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("converge_within (4 min)"), "{words}");
    assert!(words.contains("give `converge_within` 5 min or more"), "{words}");
    // An emergency does not wait until somebody mends that, nor for nothing.
    let contain = emergency(EmergencyMode::ContainFirst, LiveTokens::Refuse);
    let emergency = plan(shape(Overlap::KeyRing), &policy, &contain).unwrap();
    assert_eq!(emergency.limits().converge_within, SignedDuration::from_mins(5));
    policy.converge_within = policy.adopt_within;
    assert!(plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).is_ok());
}

#[test]
fn what_would_be_due_for_ever_is_refused() {
    let mut policy = policy();
    policy.period = Period::days(9);
    assert!(plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).is_ok());
    policy.grace_placement = GracePlacement::BeforeDue;
    let words = plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine)
        .unwrap_err()
        .to_string();
    assert!(words.contains("no less than the period of 9 days"), "{words}");
    assert!(words.contains("grace_placement = \"after_due\""), "{words}");
    policy.period = Period::days(10);
    assert!(plan(shape(Overlap::KeyRing), &policy, &Trigger::Routine).is_ok());
}

#[test]
fn where_nothing_is_suspended_the_grace_keeps_the_old_version_for_its_retention() {
    let mut policy = policy();
    policy.tokens = Vec::new();
    let hours = SignedDuration::from_hours;
    (policy.grace, policy.soak, policy.retention) = (hours(1), hours(2), hours(48));
    let grace = |can_suspend| {
        let shape = Shape {
            can_suspend,
            ..shape(Overlap::TwoVersions)
        };
        let plan = plan(shape, &policy, &Trigger::Routine).unwrap();
        let of = |step: &Step| match step {
            Action::Watch {
                watch: Watch::Grace,
                length,
                at_least,
            } => Some((*length, *at_least)),
            _ => None,
        };
        plan.steps().iter().find_map(of).unwrap()
    };
    assert_eq!(grace(true), (hours(1), hours(0)));
    assert_eq!(grace(false), (hours(46), hours(46)));
}
