//! Journals live longer than builds: what the first one wrote is read for ever.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::*;
use crate::evidence::{Evidence, EvidenceKind};
use crate::id::{CredentialName, Revision, RotationId, Sequence, VersionNumber};
use crate::plan::{Action, MintedBy, Overlap, Plan, PlanRequest, Shape, Watch};
use crate::policy::{AtDeadline, EvidenceRule, Policy, TokenLifetime};
use crate::ports::{Effect, ErrorKind, Retry};
use crate::rotation::tests::at;
use crate::rotation::{Event, Failure, Observed, Opened, Position};
use crate::schedule::Period;
use crate::trigger::{EmergencyMode, LiveTokens, Trigger};
use crate::version::Attributes;
use crate::view::View;

/// One record in a line. Written by the first build: these lines must never change, because databases hold them. New kinds of
/// events get new lines at the end.
const FIRST: &str = include_str!("records_v1.jsonl");

/// A policy with everything in it that a plan keeps.
fn policy() -> Policy {
    let mut policy = Policy::new(Period::months(6));
    policy.tokens = vec![TokenLifetime {
        name: "access".to_owned(),
        lifetime: SignedDuration::from_mins(15),
    }];
    policy.approvers = vec!["carol".to_owned(), "dave".to_owned()];
    policy.windows = vec!["Tue,Wed 02:00-04:00 UTC".parse().unwrap()];
    policy.interruption = Some("there is one password".to_owned());
    // The first build did not write it.
    policy.retention = SignedDuration::ZERO;
    policy.drain.evidence = EvidenceRule::Required;
    policy.drain.at_deadline = AtDeadline::Unwind;
    policy
}

fn opened(shape: Shape, policy: &Policy, trigger: Trigger) -> Event {
    let first = VersionNumber(1);
    let request = PlanRequest {
        shape,
        policy,
        trigger: &trigger,
        view: View::new(Revision(1), first, [first]),
        new: VersionNumber(2),
    };
    let plan = Plan::new(&request).unwrap();
    let rotation: RotationId = "01jh0000000000000000000001".parse().unwrap();
    let credential: CredentialName = "goimg/jwt".parse().unwrap();
    Event::Opened(Box::new(Opened {
        rotation,
        credential,
        trigger,
        requested_by: "alice".to_owned(),
        plan,
    }))
}

fn emergency(mode: EmergencyMode, live_tokens: LiveTokens) -> Trigger {
    Trigger::Emergency {
        incident: "SEC-2026-0042".to_owned(),
        mode,
        live_tokens,
    }
}

/// Plans in which every action, watch, overlap and trigger stands.
fn openings() -> Vec<Event> {
    let shape = |overlap, minted_by| Shape {
        overlap,
        minted_by,
        can_suspend: overlap == Overlap::TwoVersions,
        archived: true,
    };
    let manual = Trigger::Manual {
        reason: "a leaver".to_owned(),
    };
    let mut plain = policy();
    plain.approvers.clear();
    plain.drain.evidence = EvidenceRule::IfAvailable;
    plain.drain.at_deadline = AtDeadline::Hold;
    vec![
        opened(shape(Overlap::TwoVersions, MintedBy::Us), &policy(), Trigger::Routine),
        opened(shape(Overlap::TwoVersions, MintedBy::Authority), &plain, manual.clone()),
        opened(shape(Overlap::OneVersion, MintedBy::Us), &plain, manual),
        opened(shape(Overlap::KeyRing, MintedBy::Us), &policy(), Trigger::Routine),
        opened(
            shape(Overlap::KeyRing, MintedBy::Us),
            &plain,
            emergency(EmergencyMode::Expedited, LiveTokens::Honour),
        ),
        opened(
            shape(Overlap::TwoVersions, MintedBy::Us),
            &plain,
            emergency(EmergencyMode::ContainFirst, LiveTokens::Refuse),
        ),
    ]
}

fn failures() -> impl Iterator<Item = Event> {
    use ErrorKind::{
        Conflict, Forbidden, Internal, Invalid, NotFound, Quota, RateLimited, Refused, Storage, TimedOut, Unavailable,
        Unsupported,
    };
    let kinds = [
        Unavailable,
        TimedOut,
        RateLimited,
        Refused,
        Forbidden,
        NotFound,
        Conflict,
        Quota,
        Invalid,
        Unsupported,
        Storage,
        Internal,
    ];
    let retries = [
        Retry::Never,
        Retry::Later,
        Retry::After(SignedDuration::from_millis(1_500)),
    ];
    let effects = [Effect::None, Effect::Unknown];
    let all = kinds
        .into_iter()
        .zip(retries.into_iter().cycle())
        .zip(effects.into_iter().cycle());
    all.zip(1..).map(|(((kind, retry), effect), attempt)| Event::Failed {
        step: there(4),
        attempt,
        failure: Failure {
            kind,
            retry,
            effect,
            message: "the server said: \"no\"\nand hung up".to_owned(),
        },
        retry_at: at(60),
    })
}

fn there(index: usize) -> Position {
    Position {
        unwinding: false,
        index,
    }
}

fn evidence() -> Vec<Evidence> {
    use EvidenceKind::{
        Accepted, Archived, Changed, Checked, Delivered, Elapsed, Health, Instance, Notified, Refused, RolledOut,
        Sealed, Usage,
    };
    let kinds = [
        Checked, Sealed, Accepted, Refused, Changed, Delivered, RolledOut, Instance, Usage, Health, Elapsed, Notified,
        Archived,
    ];
    kinds
        .map(|kind| Evidence::new(kind, "goimg/jwt#2", "28P01, db-1:5432"))
        .to_vec()
}

/// Every event there is, with every value that it may hold.
fn events() -> Vec<Event> {
    let by = || "bob".to_owned();
    let observed = |verdict| Event::Observed {
        step: there(6),
        verdict,
        evidence: vec![Evidence::new(EvidenceKind::Health, "api", "200")],
    };
    let intended = |unwinding, existed_before| Event::Intended {
        step: Position { unwinding, index: 3 },
        attempt: 2,
        existed_before,
    };
    let done = |evidence, attributes| Event::Done {
        step: there(3),
        evidence,
        attributes,
    };
    let mut events = openings();
    events.extend([
        intended(false, None),
        intended(true, Some(vec!["key-1".to_owned(), "key-2".to_owned()])),
        done(evidence(), Attributes::new()),
        done(Vec::new(), [("kid".to_owned(), "8aB-_".to_owned())].into()),
    ]);
    events.extend(failures());
    events.extend([
        observed(Observed::Healthy),
        observed(Observed::Unhealthy("5 of 9 logins failed".to_owned())),
        observed(Observed::Unknown("no samples".to_owned())),
        Event::Approved { by: by() },
        Event::CutShort { by: by() },
        Event::Unwinding {
            reason: "refused".to_owned(),
            by: None,
        },
        Event::Unwinding {
            reason: "enough".to_owned(),
            by: Some(by()),
        },
        Event::Stuck {
            reason: "no route".to_owned(),
        },
        Event::Resumed { by: by() },
        Event::Measured {
            samples: 1_200,
            refused: 3,
            downtime: SignedDuration::new(1, 250_000_000),
        },
    ]);
    events
}

fn entries() -> Vec<Entry> {
    let entry = |(event, sequence): (Event, u64)| Entry {
        sequence: Sequence(sequence),
        at: at(i64::try_from(sequence).unwrap()) + SignedDuration::from_nanos(1),
        event,
    };
    events().into_iter().zip(1..).map(entry).collect()
}

fn lines() -> Vec<&'static str> {
    FIRST.lines().collect()
}

#[test]
fn this_build_writes_the_first_form() {
    let entries = entries();
    assert_eq!(entries.len(), lines().len());
    for (entry, line) in entries.iter().zip(lines()) {
        let written: serde_json::Value = serde_json::from_str(&encode(entry)).unwrap();
        let golden: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(written, golden);
    }
}

#[test]
fn this_build_reads_the_first_form() {
    for (entry, line) in entries().into_iter().zip(lines()) {
        assert_eq!(decode(line).unwrap(), entry, "{line}");
    }
}

/// A kind of event or of step that is new does not compile here before it has a line.
#[test]
fn every_kind_of_event_and_of_step_has_a_line() {
    let kind = |event: &Event| match event {
        Event::Opened(_) => 0,
        Event::Intended { .. } => 1,
        Event::Done { .. } => 2,
        Event::Failed { .. } => 3,
        Event::Observed { .. } => 4,
        Event::Approved { .. } => 5,
        Event::CutShort { .. } => 6,
        Event::Unwinding { .. } => 7,
        Event::Stuck { .. } => 8,
        Event::Resumed { .. } => 9,
        Event::Measured { .. } => 10,
    };
    let entries = entries();
    let kinds: BTreeSet<_> = entries.iter().map(|entry| kind(&entry.event)).collect();
    assert_eq!(kinds, (0..=10).collect());
    let steps = entries.iter().filter_map(|entry| match &entry.event {
        Event::Opened(opened) => Some(opened.plan.steps()),
        _ => None,
    });
    let steps: BTreeSet<_> = steps.flatten().map(number).collect();
    // A reinstatement stands in unwindings alone, which are derived from a plan and never written.
    assert_eq!(steps, (0..=20).collect());
}

fn number(step: &Action) -> u8 {
    match step {
        Action::Preflight => 0,
        Action::Approve => 1,
        Action::Announce { .. } => 2,
        Action::Generate { .. } => 3,
        Action::Mint { .. } => 4,
        Action::Stage { .. } => 5,
        Action::Replace { .. } => 6,
        Action::Prove { .. } => 7,
        Action::Deliver { .. } => 8,
        Action::RollOut { .. } => 9,
        Action::Converge { .. } => 10,
        Action::Watch {
            watch: Watch::Validate, ..
        } => 11,
        Action::Watch {
            watch: Watch::Grace, ..
        } => 12,
        Action::Watch {
            watch: Watch::Outlast, ..
        } => 13,
        Action::Watch {
            watch: Watch::Observe, ..
        } => 14,
        Action::Drain { .. } => 15,
        Action::Suspend { .. } => 16,
        Action::Retire { .. } => 17,
        Action::ProveDead { .. } => 18,
        Action::Archive { .. } => 19,
        Action::Close => 20,
        Action::Reinstate { .. } => 21,
    }
}

#[test]
fn what_is_written_in_the_first_form_and_cannot_be_is_damaged() {
    let opening = lines()[0];
    for (found, forged) in [
        (r#""action":"preflight""#, r#""action":"pray""#),
        (r#""requested_by":"alice","#, ""),
        (r#""sequence":1,"#, r#""sequence":-1,"#),
    ] {
        assert!(opening.contains(found), "{found}");
        let forged = opening.replacen(found, forged, 1);
        assert!(matches!(decode(&forged), Err(RecordError::Damaged(_))), "{forged}");
    }
}

#[test]
fn a_journal_cannot_smuggle_in_a_plan_that_locks_out() {
    let mut ring: serde_json::Value = serde_json::from_str(lines()[3]).unwrap();
    let plan = ring.pointer_mut("/event/plan").unwrap();
    plan["declared"] = serde_json::Value::Null;
    let steps = plan["steps"].as_array_mut().unwrap();
    // The old key would go before what it signed has run out.
    steps.retain(|step| step["action"] != "watch");
    let refused = decode(&ring.to_string()).unwrap_err();
    assert!(matches!(refused, RecordError::Damaged(_)));
}
