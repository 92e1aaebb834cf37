//! Where one credential stands: its versions, its rotation, its consumers.

use jiff::Timestamp;
use keywheel_app::{ConsumerStatus, CredentialStatus};
use keywheel_domain::plan::Action;
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_domain::version::{Version, VersionStatus};
use serde_json::{Value, json};

use super::{schedule, table, time};
use crate::output::Style;

/// How many versions that ended are shown to people.
const ENDED_SHOWN: usize = 3;

/// A status in the words of its JSON.
pub(crate) fn version_status(status: VersionStatus) -> &'static str {
    match status {
        VersionStatus::Pending => "pending",
        VersionStatus::Current => "current",
        VersionStatus::Previous => "previous",
        VersionStatus::Retired => "retired",
        VersionStatus::Abandoned => "abandoned",
    }
}

/// Everything that is known about one credential, with its rotation where one is under way.
pub(crate) fn text(
    line: &CredentialStatus,
    rotation: Option<&Rotation>,
    consumers: &[ConsumerStatus],
    now: Timestamp,
) -> String {
    let mut parts = vec![format!(
        "{}: {}",
        Style::Strong.paint(line.name.as_str()),
        schedule::state(line)
    )];
    if let Some(known) = &line.credential {
        if let Some(due) = known.next_due {
            let far = time::length(now.duration_until(due));
            let due = time::moment(due);
            parts.push(if line.overdue {
                format!("  {} {due}, {far} ago", Style::Bad.paint("overdue since"))
            } else {
                format!("  due {due}, in {far}")
            });
        }
        parts.push(format!("  stores show {}", known.view));
        parts.push(indent(&versions(&known.versions)));
    }
    parts.extend(standing(line, rotation));
    if !consumers.is_empty() {
        parts.push(indent(&consumer_table(consumers)));
    }
    parts.join("\n")
}

/// The versions that live, and the last few that ended.
fn versions(versions: &[Version]) -> String {
    let when = |moment: Option<Timestamp>| moment.map_or_else(|| "-".to_owned(), time::moment);
    let ended = versions.iter().filter(|version| version.ended_at.is_some()).count();
    let left_out = ended.saturating_sub(ENDED_SHOWN);
    let mut older = left_out;
    let shown = versions.iter().filter(|version| {
        let leave_out = older > 0 && version.ended_at.is_some();
        older -= usize::from(leave_out);
        !leave_out
    });
    let rows = shown.map(|version| {
        let mut status = version_status(version.status).to_owned();
        if version.compromised {
            status.push_str(", compromised");
        }
        let kid = version.attributes.get("kid").cloned().unwrap_or_default();
        let (since, until) = (when(version.current_at), when(version.ended_at));
        [version.number.to_string(), status, since, until, kid]
    });
    let table = table::table(&["version", "status", "in use since", "ended", "key id"], rows);
    if left_out == 0 {
        return table;
    }
    format!("{table}\nand {left_out} older ones; --json shows them all")
}

fn consumer_table(consumers: &[ConsumerStatus]) -> String {
    let rows = consumers.iter().map(|consumer| {
        let runs = consumer
            .revision
            .map_or_else(|| "unknown".to_owned(), |revision| format!("r{revision}"));
        [consumer.name.clone(), runs, consumer.detail.clone()]
    });
    table::table(&["consumer", "runs", "how that is known"], rows)
}

fn standing(line: &CredentialStatus, rotation: Option<&Rotation>) -> Vec<String> {
    let Some(status) = &line.rotation else {
        return Vec::new();
    };
    let mut lines = vec![format!("  rotation {}", status.id)];
    if let Some(step) = &status.step {
        let way = if status.unwinding { " on the way back" } else { "" };
        lines.push(format!(
            "  stands at: {step}{way}{}",
            rotation.map(times).unwrap_or_default()
        ));
    }
    if status.outcome == Some(Outcome::Stuck) {
        let name = &line.name;
        lines.push(format!("  {} {}", Style::Bad.paint("stuck:"), status.next));
        lines.push(format!(
            "  mend that, then `keywheel resume {name}`, or take it back with `keywheel rollback {name} --reason ...`"
        ));
    } else {
        lines.push(format!("  {}", status.next));
    }
    lines
}

/// Since when it stands there, and until when at the least, where the step says so.
fn times(rotation: &Rotation) -> String {
    let since = rotation.step_since();
    let until = match rotation.action() {
        Some(Action::Watch { length, .. }) => since.saturating_add(*length).ok(),
        Some(Action::Announce { notice }) => since.saturating_add(*notice).ok(),
        _ => None,
    };
    let until = until.map_or_else(String::new, |until| format!(", until {} or later", time::moment(until)));
    format!(", since {}{until}", time::moment(since))
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The same for programs.
pub(crate) fn json(line: &CredentialStatus, consumers: &[ConsumerStatus]) -> Value {
    let mut value = schedule::json(line);
    let consumers: Vec<_> = consumers
        .iter()
        .map(|consumer| json!({ "name": consumer.name, "revision": consumer.revision, "detail": consumer.detail }))
        .collect();
    value["view"] = json!(line.credential.as_ref().map(|known| &known.view));
    value["versions"] = json!(line.credential.as_ref().map(|known| &known.versions));
    value["consumers"] = json!(consumers);
    value
}
