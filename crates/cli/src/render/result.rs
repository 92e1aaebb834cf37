//! How far a rotation came, and what to do next.

use jiff::Timestamp;
use keywheel_app::Driven;
use keywheel_domain::rotation::{Outcome, Question, Rotation};
use serde_json::{Value, json};

use super::progress::waits;
use super::time;
use crate::exit::Exit;
use crate::output::Style;

/// How driving ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// As the driver says.
    Driven(Driven),
    /// A signal came first.
    Interrupted,
}

/// The exit code, where a rollback was asked for or not.
pub(crate) fn exit(ended: &Ended, back_was_wanted: bool) -> Exit {
    match ended {
        Ended::Interrupted => Exit::Interrupted,
        Ended::Driven(Driven::Rested(Outcome::Completed)) => Exit::Done,
        Ended::Driven(Driven::Rested(Outcome::RolledBack)) if back_was_wanted => Exit::Done,
        Ended::Driven(Driven::Rested(Outcome::RolledBack)) => Exit::RolledBack,
        Ended::Driven(Driven::Rested(Outcome::Stuck)) => Exit::Stuck,
        Ended::Driven(Driven::Asks(_) | Driven::Waits { .. }) => Exit::Waits,
        Ended::Driven(Driven::Elsewhere { .. }) => Exit::Busy,
    }
}

/// The end in words.
pub(crate) fn text(rotation: &Rotation, ended: &Ended) -> String {
    let name = rotation.credential();
    let (old, new) = (rotation.plan().old(), rotation.plan().new_version());
    let resume = format!("`keywheel resume {name}` goes on");
    match ended {
        Ended::Interrupted => format!("{name}: interrupted; the rotation is safe where it stands, and {resume}"),
        Ended::Driven(Driven::Rested(Outcome::Completed)) => format!(
            "{name} {}: version {new} is in use, version {old} is dead; {}",
            Style::Good.paint("completed"),
            canary(rotation)
        ),
        Ended::Driven(Driven::Rested(Outcome::RolledBack)) => format!(
            "{name} {}: version {old} is in use, version {new} was never completed; {}\n  because: {}",
            Style::Warn.paint("rolled back"),
            canary(rotation),
            rotation.unwound_because().unwrap_or("it was asked for")
        ),
        Ended::Driven(Driven::Rested(Outcome::Stuck)) => format!(
            "{name} is {}: {}\n  what worked keeps working; mend that, then {resume}, or `keywheel rollback {name} --reason ...`",
            Style::Bad.paint("stuck"),
            stuck_because(rotation)
        ),
        Ended::Driven(Driven::Asks(Question::Approve { approvers })) => format!(
            "{name} waits for an approval by {}: `keywheel approve {name} --actor <name>`",
            approvers.join(" or ")
        ),
        Ended::Driven(Driven::Waits { until, why, .. }) => {
            format!(
                "{name} {}, until {} or later; {resume} then",
                waits(why),
                time::moment(*until)
            )
        }
        Ended::Driven(Driven::Elsewhere { holder, .. }) => {
            format!("{name} is driven by {holder} now; `keywheel status {name}` shows how far it is")
        }
    }
}

/// What the canary saw. Nothing is claimed where it saw nothing.
fn canary(rotation: &Rotation) -> String {
    let canary = rotation.canary();
    match (canary.samples, canary.refused) {
        (0, _) => "no canary could try it".to_owned(),
        (1, 0) => "the canary authenticated once and was not refused".to_owned(),
        (samples, 0) => format!("the canary authenticated {samples} times and was never refused"),
        (samples, refused) => format!(
            "the canary was refused {refused} of {samples} times, for {} in all",
            time::length(canary.downtime)
        ),
    }
}

fn stuck_because(rotation: &Rotation) -> &str {
    rotation.stuck_because().unwrap_or("nobody wrote down why")
}

/// The end for programs: the last line of `--json`.
pub(crate) fn json(rotation: &Rotation, ended: &Ended, exit: Exit, now: Timestamp) -> Value {
    let (outcome, why, until) = match ended {
        Ended::Interrupted => ("interrupted", None, None),
        Ended::Driven(Driven::Rested(Outcome::Completed)) => ("completed", None, None),
        Ended::Driven(Driven::Rested(Outcome::RolledBack)) => ("rolled_back", rotation.unwound_because(), None),
        Ended::Driven(Driven::Rested(Outcome::Stuck)) => ("stuck", Some(stuck_because(rotation)), None),
        Ended::Driven(Driven::Asks(_)) => ("asks", Some("an approval"), None),
        Ended::Driven(Driven::Waits { until, why, .. }) => ("waits", Some(why.as_str()), Some(*until)),
        Ended::Driven(Driven::Elsewhere { holder, until }) => ("elsewhere", Some(holder.as_str()), Some(*until)),
    };
    let canary = rotation.canary();
    json!({
        "event": "result",
        "at": now,
        "credential": rotation.credential(),
        "rotation": rotation.id(),
        "outcome": outcome,
        "why": why,
        "until": until,
        "exit_code": exit as u8,
        "old_version": rotation.plan().old(),
        "new_version": rotation.plan().new_version(),
        "canary": { "samples": canary.samples, "refused": canary.refused, "downtime_seconds": canary.downtime.as_secs_f64() },
        "incidents": rotation.failures(),
    })
}
