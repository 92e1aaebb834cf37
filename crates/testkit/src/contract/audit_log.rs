//! What every audit log has to keep.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use keywheel_domain::audit::{AuditEvent, AuditPhase, AuditRecord, GENESIS, verify};
use keywheel_domain::ports::AuditLog;

use crate::sample::{audit_event, rotation_id};

/// Makes an empty log.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn AuditLog>> + Send + Sync);

/// Runs every check, each on a log of its own.
///
/// # Panics
/// Where the log breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    an_empty_log_has_no_records(&*fresh().await).await;
    records_are_a_chain_in_the_order_of_their_appending(&*fresh().await).await;
    a_record_holds_the_event_as_it_was(&*fresh().await).await;
    an_event_that_is_there_is_returned_and_not_appended_again(&*fresh().await).await;
    the_first_of_two_events_of_one_key_stays(&*fresh().await).await;
    begin_and_complete_are_two_events(&*fresh().await).await;
    let log = fresh().await;
    check_race(&[Arc::clone(&log), log]).await;
}

async fn append(log: &dyn AuditLog, event: &AuditEvent) -> AuditRecord {
    log.append(event).await.expect("appending succeeds")
}

async fn read(log: &dyn AuditLog) -> Vec<AuditRecord> {
    log.read().await.expect("reading succeeds")
}

fn begin(number: u64) -> AuditEvent {
    audit_event(&rotation_id(number), AuditPhase::Begin)
}

/// Nothing is no error.
pub async fn an_empty_log_has_no_records(log: &dyn AuditLog) {
    assert_eq!(read(log).await, []);
}

/// Oldest first, each with the hash of the one before it, and what `append` returned is what `read` returns.
pub async fn records_are_a_chain_in_the_order_of_their_appending(log: &dyn AuditLog) {
    let mut appended = Vec::new();
    for number in 1..=5 {
        appended.push(append(log, &begin(number)).await);
    }
    assert_eq!(appended[0].previous, GENESIS);
    assert_eq!(appended[0].sequence, 1);
    assert_eq!(read(log).await, appended);
    assert_eq!(verify(&appended), Ok(appended[4].hash.clone()));
}

/// Every field, also numbers that are no integers and text that needs escaping.
pub async fn a_record_holds_the_event_as_it_was(log: &dyn AuditLog) {
    let mut event = audit_event(&rotation_id(1), AuditPhase::Complete);
    event.incidents = vec!["a \"quoted\"\nproblem, größer".to_owned()];
    event.downtime_seconds = Some(0.1 + 0.2);
    let record = append(log, &event).await;
    assert_eq!(record.event().expect("the body is an event"), event);
}

/// The same event twice is one record.
pub async fn an_event_that_is_there_is_returned_and_not_appended_again(log: &dyn AuditLog) {
    let first = append(log, &begin(1)).await;
    append(log, &begin(2)).await;
    assert_eq!(append(log, &begin(1)).await, first);
    assert_eq!(read(log).await.len(), 2);
}

/// The key decides, not the words.
pub async fn the_first_of_two_events_of_one_key_stays(log: &dyn AuditLog) {
    let first = append(log, &begin(1)).await;
    let other = AuditEvent {
        reason: "another reason".to_owned(),
        ..begin(1)
    };
    assert_eq!(append(log, &other).await, first);
    assert_eq!(read(log).await, [first]);
}

/// The phase is part of the key.
pub async fn begin_and_complete_are_two_events(log: &dyn AuditLog) {
    append(log, &begin(1)).await;
    append(log, &audit_event(&rotation_id(1), AuditPhase::Complete)).await;
    assert_eq!(read(log).await.len(), 2);
}

/// Everybody who has a handle on one log appends at the same time, each their own events and one that all share: the chain does
/// not fork, and the shared event is there once.
///
/// # Panics
/// Where it does, or is not.
pub async fn check_race(handles: &[Arc<dyn AuditLog>]) {
    const EACH: u64 = 8;
    let shared = begin(0);
    let tasks = handles.iter().zip(1..).map(|(log, handle)| {
        let shared = &shared;
        async move {
            for number in 1..=EACH {
                append(&**log, &begin(handle * 100 + number)).await;
            }
            append(&**log, shared).await
        }
    });
    let answers = join_all(tasks).await;
    let records = read(&*handles[0]).await;
    assert_eq!(records.len() as u64, handles.len() as u64 * EACH + 1);
    verify(&records).expect("the chain is whole");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "all got the same record"
    );
}
