//! Beginning rotations: one at a time for each credential.

use keywheel_domain::credential::Credential;
use keywheel_domain::id::Sequence;
use keywheel_domain::ports::{ErrorKind, Journal, JournalError, NewRotation};

use super::{Fresh, TTL, adopt, credential, each, finish, is_active, is_storage, load, open, opened};
use crate::sample;

pub(super) async fn check(fresh: Fresh<'_>) {
    each! {
        fresh;
        opening_writes_the_entry_and_the_credential_and_leases_the_rotation,
        a_credential_has_one_running_rotation,
        opening_needs_an_adopted_credential,
        opening_from_an_outdated_credential_is_refused,
        opening_may_set_the_due_date_anew,
        a_rotation_is_opened_once,
        a_beginning_that_is_none_is_refused,
        the_next_rotation_begins_after_the_last_one_ended,
        rotations_are_listed_newest_first,
        an_unknown_rotation_has_no_entries,
    }
}

/// All three at once.
pub async fn opening_writes_the_entry_and_the_credential_and_leases_the_rotation(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    assert_eq!(load(journal).await, [new.opened]);
    assert_eq!(credential(journal).await, new.credential);
    assert_eq!(lease.rotation, new.rotation);
    assert_eq!(lease.until, sample::start() + TTL);
}

/// `Active`, with the rotation that is running; nothing is written.
pub async fn a_credential_has_one_running_rotation(journal: &dyn Journal) {
    let (new, _) = opened(journal).await;
    let second = sample::opening(&sample::credential(), &sample::rotation_id(2), sample::minute(1));
    let error = open(journal, &second).await.expect_err("one is running");
    assert!(is_active(&error, &new.rotation), "{error:?}");
    assert_eq!(journal.load(&second.rotation).await.expect("loading succeeds"), []);
    assert_eq!(credential(journal).await, new.credential);
}

/// `Changed`; nothing is written.
pub async fn opening_needs_an_adopted_credential(journal: &dyn Journal) {
    let new = sample::opening(&sample::credential(), &sample::rotation_id(1), sample::start());
    let refused = open(journal, &new).await;
    assert!(matches!(refused, Err(JournalError::Changed)), "{refused:?}");
    assert_eq!(load(journal).await, []);
    assert_eq!(journal.credentials().await.expect("reading succeeds"), []);
}

/// `Changed` where the versions or the view are others by now: a plan made from the old ones could use a version's number twice.
pub async fn opening_from_an_outdated_credential_is_refused(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let outdated = sample::opening(&sample::credential(), &sample::rotation_id(2), sample::minute(100));
    let refused = open(journal, &outdated).await;
    assert!(matches!(refused, Err(JournalError::Changed)), "{refused:?}");
    assert_eq!(journal.load(&outdated.rotation).await.expect("loading succeeds"), []);
    assert_eq!(credential(journal).await, *walk.credential());
}

/// The policy may have changed since.
pub async fn opening_may_set_the_due_date_anew(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let rescheduled = Credential {
        next_due: None,
        ..adopted
    };
    let new = sample::opening(&rescheduled, &sample::rotation_id(1), sample::start());
    open(journal, &new).await.expect("opening succeeds");
    assert_eq!(credential(journal).await, new.credential);
}

/// Its identity is never used for another one.
pub async fn a_rotation_is_opened_once(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let before = load(journal).await;
    let again = sample::opening(walk.credential(), &new.rotation, sample::minute(100));
    let error = open(journal, &again).await.expect_err("it was opened before");
    assert!(is_storage(&error, ErrorKind::Conflict), "{error:?}");
    assert_eq!(load(journal).await, before);
}

/// The first entry has sequence 1, and the credential names the rotation.
pub async fn a_beginning_that_is_none_is_refused(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let new = sample::opening(&adopted, &sample::rotation_id(1), sample::start());
    let mut late = new.clone();
    late.opened.sequence = Sequence(2);
    let unnamed = NewRotation {
        credential: adopted.clone(),
        ..new
    };
    for wrong in [late, unnamed] {
        let error = open(journal, &wrong).await.expect_err("it is refused");
        assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
    }
    assert_eq!(credential(journal).await, adopted);
    assert_eq!(load(journal).await, []);
}

/// What ends a rotation is a credential that names none.
pub async fn the_next_rotation_begins_after_the_last_one_ended(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let second = sample::opening(walk.credential(), &sample::rotation_id(2), sample::minute(100));
    open(journal, &second).await.expect("opening succeeds");
    assert_eq!(credential(journal).await, second.credential);
}

/// By the order of their opening; none for a credential that has none.
pub async fn rotations_are_listed_newest_first(journal: &dyn Journal) {
    let mut current = adopt(journal).await;
    // The order of the identities is not the order of the openings.
    let ids = [3, 1, 2].map(sample::rotation_id);
    for (id, hour) in ids.iter().zip(1..) {
        let new = sample::opening(&current, id, sample::minute(100 * hour));
        let lease = open(journal, &new).await.expect("opening succeeds");
        current = finish(journal, &new, &lease).await.credential().clone();
    }
    let listed = journal.rotations(&sample::name()).await.expect("reading succeeds");
    assert!(listed.iter().eq(ids.iter().rev()), "{listed:?}");
    let other = "other/database".parse().expect("a plain name");
    assert_eq!(journal.rotations(&other).await.expect("reading succeeds"), []);
}

/// Absence is no error.
pub async fn an_unknown_rotation_has_no_entries(journal: &dyn Journal) {
    assert_eq!(load(journal).await, []);
}
