//! What happened, from the journal.

use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::rotation::{Entry, Event, IllegalEntry, Observed, Outcome, Rotation};
use serde_json::{Value, json};

use super::{table, time};
use crate::output::Style;

/// The rotations, newest first.
pub(crate) fn text(rotations: &[Rotation]) -> String {
    let head = [
        "credential",
        "rotation",
        "began",
        "last entry",
        "versions",
        "outcome",
        "by",
        "reason",
    ];
    let rows = rotations.iter().map(|rotation| {
        [
            rotation.credential().to_string(),
            rotation.id().to_string(),
            time::moment(rotation.opened_at()),
            time::moment(rotation.last_at()),
            format!("{} to {}", rotation.plan().old(), rotation.plan().new_version()),
            outcome(rotation.outcome()).to_owned(),
            rotation.requested_by().to_owned(),
            rotation.trigger().reason(),
        ]
    });
    table::table(&head, rows)
}

fn outcome(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Completed) => "completed",
        Some(Outcome::RolledBack) => "rolled back",
        Some(Outcome::Stuck) => "stuck",
        None => "under way",
    }
}

/// One rotation for programs, without its entries.
pub(crate) fn json(rotation: &Rotation) -> Value {
    let canary = rotation.canary();
    json!({
        "credential": rotation.credential(),
        "rotation": rotation.id(),
        "began": rotation.opened_at(),
        "last_entry": rotation.last_at(),
        "old_version": rotation.plan().old(),
        "new_version": rotation.plan().new_version(),
        "outcome": rotation.outcome(),
        "trigger": rotation.trigger(),
        "requested_by": rotation.requested_by(),
        "approved_by": rotation.approved_by(),
        "unwound_because": rotation.unwound_because(),
        "incidents": rotation.failures(),
        "canary": { "samples": canary.samples, "refused": canary.refused, "downtime_seconds": canary.downtime.as_secs_f64() },
        "proofs": rotation.proofs(),
    })
}

/// Every entry with its evidence, in order.
///
/// # Errors
/// Where an entry does not follow the one before it.
pub(crate) fn entries(entries: &[Entry]) -> Result<String, IllegalEntry> {
    let mut lines = Vec::new();
    let mut rotation: Option<Rotation> = None;
    for entry in entries {
        let step = rotation
            .as_ref()
            .and_then(Rotation::action)
            .map(ToString::to_string)
            .unwrap_or_default();
        lines.push(line(entry, &step));
        lines.extend(evidence(&entry.event).iter().map(fact));
        rotation = Some(match rotation {
            None => Rotation::open(entry)?,
            Some(rotation) => rotation.apply(entry)?,
        });
    }
    Ok(lines.join("\n"))
}

fn line(entry: &Entry, step: &str) -> String {
    let Entry { sequence, at, event } = entry;
    format!("{sequence:>4}  {}  {}", moment(*at), event_text(event, step))
}

fn moment(at: Timestamp) -> String {
    time::moment(at)
}

fn event_text(event: &Event, step: &str) -> String {
    match event {
        Event::Opened(opened) => {
            format!(
                "{}: {} ({})",
                Style::Strong.paint("opened"),
                opened.requested_by,
                opened.trigger.reason()
            )
        }
        Event::Intended { attempt: 1, .. } => format!("begins: {step}"),
        Event::Intended { attempt, .. } => format!("begins: {step} (attempt {attempt})"),
        Event::Done { .. } => format!("{} {step}", Style::Good.paint("done:")),
        Event::Failed { failure, .. } => format!("{} {step}: {}", Style::Bad.paint("failed:"), failure.message),
        Event::Observed { verdict, .. } => match verdict {
            Observed::Healthy => format!("well: {step}"),
            Observed::Unhealthy(why) => format!("{} {step}: {why}", Style::Bad.paint("not well:")),
            Observed::Unknown(why) => format!("{} {step}: {why}", Style::Warn.paint("unknown:")),
        },
        Event::Approved { by } => format!("approved by {by}"),
        Event::CutShort { by } => format!("grace cut short by {by}"),
        Event::Unwinding { reason, by } => {
            let by = by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
            format!("{}{by}: {reason}", Style::Warn.paint("goes back"))
        }
        Event::Stuck { reason } => format!("{} {reason}", Style::Bad.paint("stuck:")),
        Event::Resumed { by } => format!("resumed by {by}"),
        Event::Measured {
            samples,
            refused,
            downtime,
        } => {
            format!(
                "canary: {samples} logins, {refused} refused, {} of downtime",
                time::length(*downtime)
            )
        }
    }
}

fn evidence(event: &Event) -> &[Evidence] {
    match event {
        Event::Done { evidence, .. } | Event::Observed { evidence, .. } => evidence,
        _ => &[],
    }
}

fn fact(fact: &Evidence) -> String {
    Style::Dim.paint(&format!(
        "                                 {}: {}",
        fact.subject, fact.detail
    ))
}
