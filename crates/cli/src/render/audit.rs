//! The audit log for people and for programs.

use keywheel_domain::audit::{AuditPhase, AuditRecord};
use serde_json::{Value, json};

use super::{table, time};

/// The event of a purge of sessions, as the record names it.
pub(crate) const SESSION_PURGE: &str = "session_purge";

/// One line for each record.
pub(crate) fn text(records: &[AuditRecord]) -> String {
    let head = [
        "#",
        "when",
        "what",
        "credential",
        "by",
        "reason",
        "success",
        "downtime",
        "hash",
    ];
    table::table(&head, records.iter().map(row))
}

fn row(record: &AuditRecord) -> [String; 9] {
    let nothing = || "-".to_owned();
    let hash = record.hash.chars().take(12).collect();
    let Ok(event) = record.event() else {
        let unreadable = "unreadable".to_owned();
        return [
            record.sequence.to_string(),
            nothing(),
            unreadable,
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            hash,
        ];
    };
    let what = match event.phase {
        AuditPhase::Begin if event.event == SESSION_PURGE => "session purge begins",
        AuditPhase::Complete if event.event == SESSION_PURGE => "session purge ended",
        AuditPhase::Adopt => "adoption",
        AuditPhase::Begin => "rotation begins",
        AuditPhase::Complete if event.rollback_required == Some(true) => "rotation rolled back",
        AuditPhase::Complete => "rotation completed",
    };
    let success = event
        .success
        .map_or_else(nothing, |success| if success { "yes" } else { "no" }.to_owned());
    let downtime = event
        .downtime_seconds
        .map_or_else(nothing, |seconds| format!("{seconds} s"));
    [
        record.sequence.to_string(),
        time::moment(event.timestamp),
        what.to_owned(),
        event.credential.to_string(),
        event.performed_by,
        event.reason,
        success,
        downtime,
        hash,
    ]
}

/// A record as it is chained, with its event beside the bytes that the hash is over.
pub(crate) fn json(record: &AuditRecord) -> Value {
    json!({
        "sequence": record.sequence,
        "previous": record.previous,
        "hash": record.hash,
        "body": record.body,
        "event": record.event().ok(),
    })
}
