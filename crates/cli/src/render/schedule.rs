//! The schedule table.

use jiff::Timestamp;
use keywheel_app::{AppError, CredentialStatus};
use keywheel_domain::rotation::Outcome;
use serde_json::{Value, json};

use super::{table, time};

/// The table of the usual runbook, with where each credential stands.
pub(crate) fn text(lines: &[CredentialStatus], now: Timestamp) -> String {
    let head = [
        "credential",
        "type",
        "frequency",
        "last rotated",
        "next due",
        "overdue",
        "state",
    ];
    table::table(&head, lines.iter().map(|line| row(line, now)))
}

fn row(line: &CredentialStatus, now: Timestamp) -> [String; 7] {
    let nothing = || "-".to_owned();
    let known = line.credential.as_ref();
    let due = known.and_then(|known| known.next_due);
    let overdue = match due {
        Some(due) if line.overdue => format!("by {}", time::length(due.duration_until(now))),
        Some(_) => "no".to_owned(),
        None => nothing(),
    };
    [
        line.name.to_string(),
        line.kind.clone(),
        format!("every {}", line.period),
        known.map_or_else(nothing, |known| time::day(known.rotated_at)),
        due.map_or_else(nothing, time::day),
        overdue,
        state(line),
    ]
}

/// Where it stands, in a few words.
pub(crate) fn state(line: &CredentialStatus) -> String {
    match &line.problem {
        None => usual_state(line),
        Some(AppError::Unusable { .. }) => format!("cannot be used ({})", usual_state(line)),
        Some(_) => "its rotation cannot be read".to_owned(),
    }
}

fn usual_state(line: &CredentialStatus) -> String {
    let Some(known) = &line.credential else {
        return "not adopted".to_owned();
    };
    match &line.rotation {
        Some(rotation) if rotation.outcome == Some(Outcome::Stuck) => {
            format!("stuck at {}", rotation.step.as_deref().unwrap_or("its end"))
        }
        Some(rotation) => {
            let doing = if rotation.unwinding { "rolling back" } else { "rotating" };
            format!("{doing}: {}", rotation.step.as_deref().unwrap_or("its end"))
        }
        None => format!("version {} in use", known.view.primary),
    }
}

/// One credential for programs.
pub(crate) fn json(line: &CredentialStatus) -> Value {
    let known = line.credential.as_ref();
    json!({
        "credential": line.name,
        "type": line.kind,
        "frequency": line.period,
        "adopted": known.is_some(),
        "last_rotated": known.map(|known| known.rotated_at),
        "next_due": known.and_then(|known| known.next_due),
        "overdue": line.overdue,
        "version": known.map(|known| known.view.primary),
        "state": state(line),
        "problem": line.problem.as_ref().map(chain),
        "rotation": line.rotation.as_ref().map(|rotation| json!({
            "id": rotation.id,
            "step": rotation.step,
            "outcome": rotation.outcome,
            "unwinding": rotation.unwinding,
            "next": rotation.next,
        })),
    })
}

/// The error and its causes in one line.
fn chain(error: &AppError) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    line
}
