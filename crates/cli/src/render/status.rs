//! Where one credential stands: its versions, its rotation, its consumers.

use jiff::Timestamp;
use keywheel_app::{ConsumerStatus, CredentialStatus};
use keywheel_domain::rotation::Outcome;
use keywheel_domain::version::{Version, VersionStatus};
use serde_json::{Value, json};

use super::{schedule, table, time};
use crate::output::Style;

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

/// Everything that is known about one credential.
pub(crate) fn text(line: &CredentialStatus, consumers: &[ConsumerStatus], now: Timestamp) -> String {
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
    parts.extend(rotation(line));
    if !consumers.is_empty() {
        parts.push(indent(&consumer_table(consumers)));
    }
    parts.join("\n")
}

fn versions(versions: &[Version]) -> String {
    let when = |moment: Option<Timestamp>| moment.map_or_else(|| "-".to_owned(), time::moment);
    let rows = versions.iter().map(|version| {
        let mut status = version_status(version.status).to_owned();
        if version.compromised {
            status.push_str(", compromised");
        }
        let kid = version.attributes.get("kid").cloned().unwrap_or_default();
        [
            version.number.to_string(),
            status,
            when(version.current_at),
            when(version.ended_at),
            kid,
        ]
    });
    table::table(&["version", "status", "in use since", "ended", "key id"], rows)
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

fn rotation(line: &CredentialStatus) -> Vec<String> {
    let Some(rotation) = &line.rotation else {
        return Vec::new();
    };
    let mut lines = vec![format!("  rotation {}", rotation.id)];
    if let Some(step) = &rotation.step {
        let way = if rotation.unwinding { " on the way back" } else { "" };
        lines.push(format!("  stands at: {step}{way}"));
    }
    if rotation.outcome == Some(Outcome::Stuck) {
        lines.push(format!("  {} {}", Style::Bad.paint("stuck:"), rotation.next));
        lines.push(format!(
            "  mend that, then `keywheel resume {0}`, or take it back with `keywheel rollback {0} --reason ...`",
            line.name
        ));
    } else {
        lines.push(format!("  {}", rotation.next));
    }
    lines
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
