//! Plans and counter-examples in words.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;

use super::check::{CounterExample, State};
use super::{Action, Overlap, PlanRecord, Watch};
use crate::id::VersionNumber;

/// One step in words, with its objects.
pub(super) fn step(action: &Action) -> String {
    let name = action.name();
    match action {
        Action::Preflight | Action::Approve | Action::Close => name.to_owned(),
        Action::Announce { notice } if notice.is_zero() => name.to_owned(),
        Action::Announce { notice } => format!("{name} {} ahead", length(*notice)),
        Action::Deliver { to, .. } => format!("{name} {to}"),
        Action::RollOut { view } | Action::Converge { view } => format!("{name} r{}", view.revision),
        Action::Watch { length: time, .. } => format!("{name} for {}", length(*time)),
        Action::Replace { from, to } => format!("{name} version {from} by {to}"),
        Action::Generate { version }
        | Action::Mint { version }
        | Action::Stage { version }
        | Action::Prove { version }
        | Action::Drain { version }
        | Action::Suspend { version }
        | Action::Reinstate { version }
        | Action::Retire { version }
        | Action::ProveDead { version }
        | Action::Archive { version } => format!("{name} version {version}"),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&step(self))
    }
}

/// A length of time as people say it: `7 days`, `23 h 55 min`, `1500 ms`. A day is 24 hours; what is as good as two days or
/// less stays in hours.
pub(crate) fn length(time: SignedDuration) -> String {
    let mut left = time.as_millis();
    let units = [
        (86_400_000, "days"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut words = Vec::new();
    for (unit, word) in units {
        let days_are_many = word != "days" || left > 2 * unit;
        if left >= unit && days_are_many {
            words.push(format!("{} {word}", left / unit));
            left %= unit;
        }
    }
    if words.is_empty() {
        "0 s".to_owned()
    } else {
        words.join(" ")
    }
}

fn versions(set: &BTreeSet<VersionNumber>) -> String {
    let list = set.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("{{{list}}}")
}

pub(super) fn counter_example(example: &CounterExample, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = example.story.last().map_or("the start", String::as_str);
    if example.refused.is_empty() {
        write!(f, "the plan would end wrong after step {last:?}")?;
    } else {
        let who = match example.overlap {
            Overlap::KeyRing => "tokens signed by",
            Overlap::TwoVersions | Overlap::OneVersion => "consumers that present",
        };
        write!(
            f,
            "this plan would lock somebody out: {who} version {} could be refused at step {last:?}",
            versions(&example.refused)
        )?;
    }
    let State { presented, accepted } = &example.state;
    write!(
        f,
        " (presented {}, accepted {})",
        versions(presented),
        versions(accepted)
    )?;
    if let Some(index) = example.unwound_after {
        let begun = example.story.get(index).map_or("", String::as_str);
        write!(f, ", in the unwinding from step {begun:?}")?;
    }
    write!(f, "; {}", example.advice)
}

/// What would make the plan right, from the numbers that are wrong.
pub(super) fn advice(record: &PlanRecord) -> String {
    let tokens = record.limits.longest_token;
    let grace = record.steps.iter().find_map(|step| match step {
        Action::Watch {
            watch: Watch::Grace,
            length,
            ..
        } => Some(*length),
        _ => None,
    });
    match (record.shape.overlap, grace) {
        (Overlap::KeyRing, Some(grace)) if grace < tokens => format!(
            "a token signed just before the switch lives {} (longest lifetime and clock skew) but grace is {}: set grace to {} or more",
            length(tokens),
            length(grace),
            length(tokens)
        ),
        (Overlap::OneVersion, _) => {
            "this issuer holds one version only: choose a strategy with two versions, or accept it with `interruption = \"<reason>\"` in the policy".to_owned()
        }
        (Overlap::KeyRing | Overlap::TwoVersions, _) => "change the order so that the version is accepted while it is presented".to_owned(),
    }
}
