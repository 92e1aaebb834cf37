//! A plan for people and for programs.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use keywheel_domain::id::{CredentialName, VersionNumber};
use keywheel_domain::plan::{Action, Interruption, Plan, Step};
use serde_json::{Value, json};

use super::{picture, table, time};
use crate::output::Style;

/// The whole plan: steps, who presents and who accepts after each, the way back, and the picture.
pub(crate) fn text(credential: &CredentialName, plan: &Plan, why: &str, unicode: bool) -> String {
    let title = format!(
        "{credential}: version {} after version {} ({why})",
        plan.new_version(),
        plan.old()
    );
    let mut parts = vec![
        Style::Strong.paint(&title),
        String::new(),
        steps(plan),
        String::new(),
        summary(plan),
    ];
    parts.push(format!("\nthe way back:\n{}", ways_back(plan)));
    parts.push(format!(
        "\nwho is presented and accepted after each step:\n{}",
        picture::overlap(plan, unicode)
    ));
    parts.join("\n")
}

/// What somebody has to know before they say yes.
pub(crate) fn summary(plan: &Plan) -> String {
    let last = plan.steps().len();
    let back = plan.point_of_no_return();
    let mut lines = vec![format!("{last} steps, at least {}", time::length(shortest(plan)))];
    lines.push(match plan.steps().get(back) {
        Some(step) => format!("there is no way back from step {} on ({step})", back + 1),
        None => "there is a way back from every step".to_owned(),
    });
    if plan.interruptions().is_empty() {
        lines.push("no consumer is refused at any moment".to_owned());
    }
    lines.extend(interruptions(plan));
    lines.join("\n")
}

/// The interruptions, with neighbours that refuse the same versions together.
fn interruptions(plan: &Plan) -> Vec<String> {
    let mut groups: Vec<(RangeInclusive<usize>, &Interruption)> = Vec::new();
    for interruption in plan.interruptions() {
        let number = interruption.step + 1;
        match groups.last_mut() {
            Some((range, known)) if *range.end() + 1 == number && known.refused == interruption.refused => {
                *range = *range.start()..=number;
            }
            _ => groups.push((number..=number, interruption)),
        }
    }
    let line = |(range, interruption): &(RangeInclusive<usize>, &Interruption)| {
        let mark = Style::Bad.paint("INTERRUPTION:");
        let (refused, reason) = (set(&interruption.refused), &interruption.reason);
        format!(
            "{mark} {}: whoever presents version {refused} is refused ({reason})",
            numbers(range)
        )
    };
    groups.iter().map(line).collect()
}

fn numbers(range: &RangeInclusive<usize>) -> String {
    if range.start() == range.end() {
        format!("step {}", range.start())
    } else {
        format!("steps {} to {}", range.start(), range.end())
    }
}

/// How long the plan takes at the least: what it has to wait out.
fn shortest(plan: &Plan) -> SignedDuration {
    let wait = |step: &Step| match step {
        Action::Announce { notice } => *notice,
        Action::Watch { length, .. } => *length,
        Action::Drain { .. } => plan.limits().drain.quiet,
        _ => SignedDuration::ZERO,
    };
    plan.steps()
        .iter()
        .map(wait)
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
}

fn steps(plan: &Plan) -> String {
    let states = plan.reachable();
    let rows = plan
        .steps()
        .iter()
        .zip(states)
        .enumerate()
        .map(|(index, (step, state))| {
            let number = format!("{:>2}", index + 1);
            let mut note = String::new();
            if index == plan.point_of_no_return() {
                note.push_str("no way back from here on");
            }
            if plan
                .interruptions()
                .iter()
                .any(|interruption| interruption.step == index)
            {
                note.push_str(if note.is_empty() {
                    "INTERRUPTION"
                } else {
                    ", INTERRUPTION"
                });
            }
            [
                number,
                step.to_string(),
                set(&state.presented),
                set(&state.accepted),
                note,
            ]
        });
    table::table(&["#", "step", "presented", "accepted", ""], rows)
}

fn set(versions: &BTreeSet<VersionNumber>) -> String {
    let list: Vec<_> = versions.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        "nobody".to_owned()
    } else {
        list.join(", ")
    }
}

/// The unwindings, with neighbours that go back the same way together.
fn ways_back(plan: &Plan) -> String {
    let mut groups: Vec<(RangeInclusive<usize>, &[Step])> = Vec::new();
    for index in 0..plan.point_of_no_return() {
        let way = plan.unwinding(index);
        match groups.last_mut() {
            Some((range, known)) if *known == way => *range = *range.start()..=index + 1,
            _ => groups.push((index + 1..=index + 1, way)),
        }
    }
    let line = |(range, way): &(RangeInclusive<usize>, &[Step])| {
        let way = way.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("  from {}: {way}", numbers(range))
    };
    groups.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The whole plan for programs.
pub(crate) fn json(credential: &CredentialName, plan: &Plan, why: &str) -> Value {
    let texts = |steps: &[Step]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    let states = plan.reachable();
    let steps: Vec<_> = plan
        .steps()
        .iter()
        .zip(states)
        .enumerate()
        .map(|(index, (step, state))| {
            json!({
                "number": index + 1,
                "name": step.name(),
                "text": step.to_string(),
                "step": step,
                "waits": step.is_watched(),
                "presented": state.presented,
                "accepted": state.accepted,
                "way_back": (index < plan.point_of_no_return()).then(|| texts(plan.unwinding(index))),
            })
        })
        .collect();
    json!({
        "credential": credential,
        "reason": why,
        "old_version": plan.old(),
        "new_version": plan.new_version(),
        "steps": steps,
        "no_way_back_from": (plan.point_of_no_return() < plan.steps().len()).then(|| plan.point_of_no_return() + 1),
        "interruptions": plan.interruptions().iter().map(|interruption| json!({
            "step": interruption.step + 1,
            "name": interruption.name,
            "refused": interruption.refused,
            "reason": interruption.reason,
        })).collect::<Vec<_>>(),
        "at_least_seconds": shortest(plan).as_secs_f64(),
        "limits": plan.limits(),
    })
}
