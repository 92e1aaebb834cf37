//! Appending: all or nothing, by the holder of the lease, after the last entry.

use jiff::SignedDuration;
use keywheel_domain::credential::Credential;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{FencingToken, Sequence};
use keywheel_domain::ports::{Append, ErrorKind, Journal, JournalError, Lease, NewRotation};
use keywheel_domain::rotation::{Event, Rotation};

use super::{Fresh, claim, credential, due, each, finish, first_append, is_storage, load, opened, with_token};
use crate::sample;

pub(super) async fn check(fresh: Fresh<'_>) {
    each! {
        fresh;
        a_whole_rotation_replays_to_what_was_driven,
        entries_come_back_as_they_were,
        a_token_that_is_not_the_latest_is_fenced,
        an_append_after_another_entry_is_fenced,
        an_append_to_an_unknown_rotation_is_fenced,
        a_repeated_append_is_fenced,
        a_refused_append_writes_neither_entries_nor_credential_nor_wake_up,
        entries_that_are_not_numbered_on_are_refused,
        a_credential_of_another_rotation_is_refused,
        a_lease_that_ran_out_still_appends_until_somebody_takes_over,
        an_append_renews_the_lease,
        an_append_never_shortens_the_lease,
        an_append_without_entries_renews_the_lease,
        a_rotation_that_ended_takes_no_more,
    }
}

fn is_fenced(result: &Result<(), JournalError>) -> bool {
    matches!(result, Err(JournalError::Fenced))
}

/// The entries are loaded in their order, and the credential is the one after the last of them.
pub async fn a_whole_rotation_replays_to_what_was_driven(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let replayed = Rotation::replay(&load(journal).await).expect("the journal replays");
    assert_eq!(replayed, *walk.rotation());
    assert_eq!(credential(journal).await, *walk.credential());
}

/// Every field, times to the nanosecond, text that needs escaping, many entries at once.
pub async fn entries_come_back_as_they_were(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &lease);
    let odd = "a \"quoted\"\n\u{0}line, größer; DROP TABLE entries".to_owned();
    let template = append.entries.last().expect("it has entries").clone();
    for extra in 1..=200 {
        let mut entry = template.clone();
        entry.sequence = Sequence(template.sequence.0 + extra);
        entry.at += SignedDuration::new(1, 123_456_789);
        if let Event::Done {
            evidence, attributes, ..
        } = &mut entry.event
        {
            evidence.push(Evidence::new(EvidenceKind::Checked, "subject", &odd));
            attributes.insert(odd.clone(), extra.to_string());
        }
        append.entries.push(entry);
    }
    journal.append(&append).await.expect("the holder appends");
    let loaded = load(journal).await;
    assert_eq!(loaded[0], new.opened);
    assert_eq!(loaded[1..], append.entries);
}

/// An older token, and one that nobody ever had.
pub async fn a_token_that_is_not_the_latest_is_fenced(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let latest = claim(journal, "one", sample::start())
        .await
        .expect("it holds the lease");
    for token in [lease.token, FencingToken(0), latest.token.next()] {
        let refused = journal.append(&first_append(&new, &with_token(&lease, token))).await;
        assert!(is_fenced(&refused), "{refused:?}");
    }
    assert_eq!(load(journal).await.len(), 1);
}

/// One that was passed already, and one that is not there yet.
pub async fn an_append_after_another_entry_is_fenced(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    for after in [Sequence(0), Sequence(2)] {
        let append = renumbered(&new, &lease, after);
        let refused = journal.append(&append).await;
        assert!(is_fenced(&refused), "{refused:?}");
    }
    assert_eq!(load(journal).await.len(), 1);
}

fn renumbered(new: &NewRotation, lease: &Lease, after: Sequence) -> Append {
    let mut append = first_append(new, lease);
    append.after = after;
    for (entry, number) in append.entries.iter_mut().zip(after.0 + 1..) {
        entry.sequence = Sequence(number);
    }
    append
}

/// Nobody can hold its lease.
pub async fn an_append_to_an_unknown_rotation_is_fenced(journal: &dyn Journal) {
    let (new, mut lease) = opened(journal).await;
    lease.rotation = sample::rotation_id(9);
    let refused = journal.append(&first_append(&new, &lease)).await;
    assert!(is_fenced(&refused), "{refused:?}");
}

/// Its `after` is not the last entry any more.
pub async fn a_repeated_append_is_fenced(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let append = first_append(&new, &lease);
    journal.append(&append).await.expect("the holder appends");
    let repeated = journal.append(&append).await;
    assert!(is_fenced(&repeated), "{repeated:?}");
    assert_eq!(load(journal).await.len(), 1 + append.entries.len());
}

/// All or nothing.
pub async fn a_refused_append_writes_neither_entries_nor_credential_nor_wake_up(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &with_token(&lease, FencingToken(0)));
    append.credential = Some(ended(&new));
    append.wake = None;
    let refused = journal.append(&append).await;
    assert!(is_fenced(&refused), "{refused:?}");
    assert_eq!(load(journal).await.len(), 1);
    assert_eq!(credential(journal).await, new.credential);
    assert_eq!(due(journal, lease.until).await.len(), 1, "the wake-up is still set");
}

fn ended(new: &NewRotation) -> Credential {
    Credential {
        active: None,
        ..new.credential.clone()
    }
}

/// A gap, or a number twice.
pub async fn entries_that_are_not_numbered_on_are_refused(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    for wrong in [Sequence(1), Sequence(4)] {
        let mut append = first_append(&new, &lease);
        append.entries.last_mut().expect("it has entries").sequence = wrong;
        let error = journal.append(&append).await.expect_err("it is refused");
        assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
    }
    assert_eq!(load(journal).await.len(), 1);
}

/// Another credential, and one that names another rotation.
pub async fn a_credential_of_another_rotation_is_refused(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut foreign = ended(&new);
    foreign.name = "other/database".parse().expect("a plain name");
    let mut elsewhere = ended(&new);
    elsewhere.active = Some(sample::rotation_id(2));
    for wrong in [foreign, elsewhere] {
        let mut append = first_append(&new, &lease);
        append.credential = Some(wrong);
        let error = journal.append(&append).await.expect_err("it is refused");
        assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
    }
    assert_eq!(load(journal).await.len(), 1);
    assert_eq!(journal.credentials().await.expect("reading succeeds"), [new.credential]);
}

/// The token decides, not the time: a slow driver that nobody replaced harms nobody.
pub async fn a_lease_that_ran_out_still_appends_until_somebody_takes_over(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &lease);
    for entry in &mut append.entries {
        entry.at = lease.until + SignedDuration::from_hours(1);
    }
    journal.append(&append).await.expect("the token is the latest");
}

/// To the `until` of the lease that it names.
pub async fn an_append_renews_the_lease(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &lease);
    append.lease.until = lease.until + SignedDuration::from_mins(30);
    journal.append(&append).await.expect("the holder appends");
    let refused = claim(journal, "two", lease.until).await;
    assert!(
        matches!(refused, Err(JournalError::Held { until, .. }) if until == append.lease.until),
        "{refused:?}"
    );
    claim(journal, "two", append.lease.until).await.expect("it ran out");
}

/// An `until` that is earlier than the lease's own changes nothing.
pub async fn an_append_never_shortens_the_lease(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &lease);
    append.lease.until = sample::start();
    journal.append(&append).await.expect("the holder appends");
    let refused = claim(journal, "two", sample::minute(1)).await;
    assert!(
        matches!(refused, Err(JournalError::Held { until, .. }) if until == lease.until),
        "{refused:?}"
    );
}

/// Nothing is also all.
pub async fn an_append_without_entries_renews_the_lease(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut append = first_append(&new, &lease);
    append.entries.clear();
    append.lease.until = lease.until + SignedDuration::from_mins(30);
    journal.append(&append).await.expect("the holder appends");
    let refused = claim(journal, "two", lease.until).await;
    assert!(matches!(refused, Err(JournalError::Held { .. })), "{refused:?}");
    assert_eq!(load(journal).await, [new.opened]);
}

/// Or it could write over what a later rotation did to the credential.
pub async fn a_rotation_that_ended_takes_no_more(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let before = load(journal).await;
    let mut append = renumbered(&new, &lease, walk.rotation().sequence());
    append.credential = Some(ended(&new));
    let error = journal.append(&append).await.expect_err("it is over");
    assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
    assert_eq!(load(journal).await, before);
    assert_eq!(credential(journal).await, *walk.credential());
}
