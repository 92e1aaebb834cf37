//! Leases: who may move a rotation, and until when.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::FencingToken;
use keywheel_domain::ports::{ErrorKind, Journal, JournalError};

use super::{Fresh, TTL, claim, due, each, first_append, is_storage, load, opened, with_token};
use crate::sample;

pub(super) async fn check(fresh: Fresh<'_>) {
    each! {
        fresh;
        a_held_rotation_is_claimed_by_nobody_else,
        a_lease_that_ran_out_is_taken_over,
        the_holder_claims_again,
        the_token_grows_with_each_claim,
        an_unknown_rotation_is_not_found,
        a_lease_that_was_given_up_is_free_at_once,
        releasing_a_lost_lease_changes_nothing,
        releasing_twice_changes_nothing,
        releasing_in_an_unknown_rotation_changes_nothing,
        a_lease_without_end_is_held,
    }
}

/// `Held`, by whom and until when.
pub async fn a_held_rotation_is_claimed_by_nobody_else(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    let last_moment = lease.until - SignedDuration::from_nanos(1);
    for at in [sample::start(), last_moment] {
        match claim(journal, "two", at).await {
            Err(JournalError::Held { holder, until }) => {
                assert_eq!((holder.as_str(), until), ("one", lease.until));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// From the moment at which it ends.
pub async fn a_lease_that_ran_out_is_taken_over(journal: &dyn Journal) {
    let (new, lost) = opened(journal).await;
    let lease = claim(journal, "two", lost.until).await.expect("nobody holds it");
    assert_eq!(lease.until, lost.until + TTL);
    let late = journal.append(&first_append(&new, &lost)).await;
    assert!(matches!(late, Err(JournalError::Fenced)), "{late:?}");
    journal
        .append(&first_append(&new, &lease))
        .await
        .expect("the new holder appends");
}

/// Before its lease ends, which makes it longer; the earlier token is worth nothing any more.
pub async fn the_holder_claims_again(journal: &dyn Journal) {
    let (new, first) = opened(journal).await;
    let second = claim(journal, "one", sample::minute(10))
        .await
        .expect("it holds the lease");
    assert_eq!(second.until, sample::minute(10) + TTL);
    let late = journal.append(&first_append(&new, &first)).await;
    assert!(matches!(late, Err(JournalError::Fenced)), "{late:?}");
    journal
        .append(&first_append(&new, &second))
        .await
        .expect("the latest token appends");
}

/// Also after it was given up, or had run out.
pub async fn the_token_grows_with_each_claim(journal: &dyn Journal) {
    let (_, mut last) = opened(journal).await;
    for (driver, release) in [
        ("one", false),
        ("one", true),
        ("two", true),
        ("three", false),
        ("four", false),
    ] {
        let at = last.until;
        let lease = claim(journal, driver, at).await.expect("nobody holds it");
        assert!(lease.token > last.token, "{lease:?} follows {last:?}");
        if release {
            journal.release(&lease, None).await.expect("releasing succeeds");
        }
        last = lease;
    }
}

/// `NotFound` of the storage.
pub async fn an_unknown_rotation_is_not_found(journal: &dyn Journal) {
    let error = claim(journal, "one", sample::start()).await.expect_err("there is none");
    assert!(is_storage(&error, ErrorKind::NotFound), "{error:?}");
}

/// Anybody can claim it, and whoever gave it up can no longer append.
pub async fn a_lease_that_was_given_up_is_free_at_once(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    journal.release(&lease, None).await.expect("releasing succeeds");
    let late = journal.append(&first_append(&new, &lease)).await;
    assert!(matches!(late, Err(JournalError::Fenced)), "{late:?}");
    claim(journal, "two", sample::start()).await.expect("nobody holds it");
}

/// Neither the new holder's lease nor the wake-up.
pub async fn releasing_a_lost_lease_changes_nothing(journal: &dyn Journal) {
    let (new, lost) = opened(journal).await;
    let lease = claim(journal, "two", lost.until).await.expect("nobody holds it");
    journal.release(&lost, None).await.expect("a lost lease is no error");
    let refused = claim(journal, "one", lost.until).await;
    assert!(matches!(refused, Err(JournalError::Held { .. })), "{refused:?}");
    assert_eq!(due(journal, lease.until).await.len(), 1, "the wake-up is still set");
    journal
        .append(&first_append(&new, &lease))
        .await
        .expect("the holder appends");
}

/// The second time the lease was lost already.
pub async fn releasing_twice_changes_nothing(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    journal
        .release(&lease, Some(sample::minute(5)))
        .await
        .expect("releasing succeeds");
    journal.release(&lease, None).await.expect("a lost lease is no error");
    assert_eq!(
        due(journal, sample::minute(5)).await.len(),
        1,
        "the wake-up is still set"
    );
}

/// A lease that cannot be is a lost one.
pub async fn releasing_in_an_unknown_rotation_changes_nothing(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let mut foreign = with_token(&lease, FencingToken(99));
    journal.release(&foreign, None).await.expect("a lost lease is no error");
    foreign.rotation = sample::rotation_id(9);
    journal.release(&foreign, None).await.expect("a lost lease is no error");
    journal
        .append(&first_append(&new, &lease))
        .await
        .expect("the holder appends");
    assert!(load(journal).await.len() > 1);
}

/// A lease may be longer than time.
pub async fn a_lease_without_end_is_held(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    let (id, one) = (lease.rotation, sample::driver("one"));
    let endless = journal.claim(&id, &one, Timestamp::MAX, SignedDuration::MAX).await;
    assert_eq!(endless.expect("it holds the lease").until, Timestamp::MAX);
    let refused = claim(journal, "two", sample::minute(1_000_000)).await;
    assert!(matches!(refused, Err(JournalError::Held { .. })), "{refused:?}");
}
