//! The inventory: adopting, reading and updating credentials.

use keywheel_domain::credential::Credential;
use keywheel_domain::ports::{ErrorKind, Journal, JournalError};

use super::{Fresh, adopt, credential, each, is_active, is_storage, opened};
use crate::sample;

pub(super) async fn check(fresh: Fresh<'_>) {
    each! {
        fresh;
        an_adopted_credential_is_read_back_as_it_was,
        a_credential_that_was_never_adopted_is_none,
        a_known_credential_is_not_adopted_again,
        credentials_are_listed_in_the_order_of_their_names,
        an_update_writes_over_the_expected_state,
        an_update_of_another_state_is_refused,
        an_update_of_an_unknown_credential_is_refused,
        an_update_during_a_rotation_is_refused,
        an_update_changes_neither_name_nor_rotation,
        an_adopted_credential_has_no_rotation,
    }
}

fn updated(credential: &Credential) -> Credential {
    Credential {
        next_due: None,
        ..credential.clone()
    }
}

/// Every field comes back.
pub async fn an_adopted_credential_is_read_back_as_it_was(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    assert_eq!(credential(journal).await, adopted);
}

/// Absence is no error.
pub async fn a_credential_that_was_never_adopted_is_none(journal: &dyn Journal) {
    let found = journal.credential(&sample::name()).await.expect("reading succeeds");
    assert_eq!(found, None);
    assert_eq!(journal.credentials().await.expect("reading succeeds"), []);
}

/// `Changed`, and the first state stays.
pub async fn a_known_credential_is_not_adopted_again(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let again = journal.adopt(&updated(&adopted)).await;
    assert!(matches!(again, Err(JournalError::Changed)), "{again:?}");
    assert_eq!(credential(journal).await, adopted);
}

/// In the order of their names, whatever the order of their adoption.
pub async fn credentials_are_listed_in_the_order_of_their_names(journal: &dyn Journal) {
    for name in ["b", "a/z", "c", "a", "B"] {
        let name = name.parse().expect("a plain name");
        journal.adopt(&sample::named(name)).await.expect("adopting succeeds");
    }
    let listed = journal.credentials().await.expect("reading succeeds");
    let names: Vec<_> = listed.iter().map(|credential| credential.name.as_str()).collect();
    assert_eq!(names, ["B", "a", "a/z", "b", "c"]);
}

/// The expected state is replaced by the new one.
pub async fn an_update_writes_over_the_expected_state(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let next = updated(&adopted);
    journal.update(&adopted, &next).await.expect("updating succeeds");
    assert_eq!(credential(journal).await, next);
}

/// `Changed` where somebody else was faster, and their state stays.
pub async fn an_update_of_another_state_is_refused(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let theirs = updated(&adopted);
    journal.update(&adopted, &theirs).await.expect("updating succeeds");
    let mut ours = adopted.clone();
    ours.versions[0].compromised = true;
    let late = journal.update(&adopted, &ours).await;
    assert!(matches!(late, Err(JournalError::Changed)), "{late:?}");
    assert_eq!(credential(journal).await, theirs);
}

/// `Changed`: it is not what was expected.
pub async fn an_update_of_an_unknown_credential_is_refused(journal: &dyn Journal) {
    let unknown = sample::credential();
    let refused = journal.update(&unknown, &updated(&unknown)).await;
    assert!(matches!(refused, Err(JournalError::Changed)), "{refused:?}");
}

/// `Active`, with the rotation that is running.
pub async fn an_update_during_a_rotation_is_refused(journal: &dyn Journal) {
    let (new, _) = opened(journal).await;
    let refused = journal.update(&new.credential, &updated(&new.credential)).await;
    let error = refused.expect_err("a rotation is running");
    assert!(is_active(&error, &new.rotation), "{error:?}");
    assert_eq!(credential(journal).await, new.credential);
}

/// Only `open` begins a rotation.
pub async fn an_update_changes_neither_name_nor_rotation(journal: &dyn Journal) {
    let adopted = adopt(journal).await;
    let begun = Credential {
        active: Some(sample::rotation_id(1)),
        ..adopted.clone()
    };
    let renamed = sample::named("other/database".parse().expect("a plain name"));
    for wrong in [begun, renamed] {
        let error = journal.update(&adopted, &wrong).await.expect_err("it is refused");
        assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
    }
    assert_eq!(journal.credentials().await.expect("reading succeeds"), [adopted]);
}

/// Only `open` begins a rotation.
pub async fn an_adopted_credential_has_no_rotation(journal: &dyn Journal) {
    let begun = Credential {
        active: Some(sample::rotation_id(1)),
        ..sample::credential()
    };
    let error = journal.adopt(&begun).await.expect_err("it is refused");
    assert!(is_storage(&error, ErrorKind::Invalid), "{error:?}");
}
