//! What has to be looked at, and when.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Due, Journal};

use super::{Fresh, adopt, claim, due, each, finish, first_append, open, opened};
use crate::sample::{self, minute};

pub(super) async fn check(fresh: Fresh<'_>) {
    each! {
        fresh;
        an_empty_journal_has_nothing_due,
        a_rotation_is_due_from_its_wake_up_on,
        a_rotation_without_wake_up_is_not_due,
        a_rotation_that_somebody_holds_is_due_when_the_lease_runs_out,
        an_opened_rotation_whose_driver_died_is_due_when_the_lease_runs_out,
        an_append_sets_the_wake_up,
        claiming_changes_no_wake_up,
        a_wake_up_at_the_end_of_time_is_never_due,
        a_credential_is_due_from_its_date_on,
        a_credential_without_a_date_is_not_due,
        a_credential_whose_rotation_is_running_is_not_due,
        a_credential_is_due_again_after_its_rotation,
        what_is_due_comes_earliest_first,
        no_more_than_the_limit_comes,
    }
}

const TICK: SignedDuration = SignedDuration::from_nanos(1);

fn rotation() -> Vec<Due> {
    vec![Due::Rotation(sample::rotation_id(1))]
}

fn named(name: &str) -> CredentialName {
    name.parse().expect("a plain name")
}

async fn adopt_due(journal: &dyn Journal, name: &str, at: Option<Timestamp>) -> Credential {
    let credential = Credential {
        next_due: at,
        ..sample::named(named(name))
    };
    journal.adopt(&credential).await.expect("adopting succeeds");
    credential
}

/// Nothing is no error.
pub async fn an_empty_journal_has_nothing_due(journal: &dyn Journal) {
    assert_eq!(due(journal, Timestamp::MAX).await, []);
}

/// Not a nanosecond before.
pub async fn a_rotation_is_due_from_its_wake_up_on(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    let wake = minute(5) + TICK;
    journal.release(&lease, Some(wake)).await.expect("releasing succeeds");
    assert_eq!(due(journal, wake - TICK).await, []);
    assert_eq!(due(journal, wake).await, rotation());
}

/// It rests, or asks.
pub async fn a_rotation_without_wake_up_is_not_due(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    journal.release(&lease, None).await.expect("releasing succeeds");
    assert_eq!(due(journal, Timestamp::MAX).await, []);
}

/// Somebody looks at it already; were it listed, rotations that go well would crowd out those that nobody drives.
pub async fn a_rotation_that_somebody_holds_is_due_when_the_lease_runs_out(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    journal
        .append(&first_append(&new, &lease))
        .await
        .expect("the holder appends");
    assert_eq!(due(journal, lease.until - TICK).await, []);
    assert_eq!(due(journal, lease.until).await, rotation());
}

/// Even if it died before its first append.
pub async fn an_opened_rotation_whose_driver_died_is_due_when_the_lease_runs_out(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    assert_eq!(due(journal, lease.until - TICK).await, []);
    assert_eq!(due(journal, lease.until).await, rotation());
}

/// Later than the lease, and to none.
pub async fn an_append_sets_the_wake_up(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let wake = lease.until + SignedDuration::from_hours(5);
    let mut append = first_append(&new, &lease);
    append.wake = Some(wake);
    journal.append(&append).await.expect("the holder appends");
    assert_eq!(due(journal, wake - TICK).await, []);
    assert_eq!(due(journal, wake).await, rotation());
    append.after = append.entries.last().expect("it has entries").sequence;
    append.entries.clear();
    append.wake = None;
    journal.append(&append).await.expect("the holder appends");
    assert_eq!(due(journal, Timestamp::MAX).await, []);
}

/// Only the lease is in its way, while it lasts.
pub async fn claiming_changes_no_wake_up(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    journal
        .release(&lease, Some(minute(5)))
        .await
        .expect("releasing succeeds");
    let lease = claim(journal, "two", minute(6)).await.expect("nobody holds it");
    assert_eq!(due(journal, lease.until - TICK).await, []);
    assert_eq!(due(journal, lease.until).await, rotation());
}

/// What waits for ever does not come early because of how times are stored.
pub async fn a_wake_up_at_the_end_of_time_is_never_due(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    journal
        .release(&lease, Some(Timestamp::MAX))
        .await
        .expect("releasing succeeds");
    let two_centuries = SignedDuration::from_hours(24 * 365 * 200);
    assert_eq!(due(journal, sample::start() + two_centuries).await, []);
}

/// Not a nanosecond before.
pub async fn a_credential_is_due_from_its_date_on(journal: &dyn Journal) {
    adopt_due(journal, "a", Some(minute(5))).await;
    assert_eq!(due(journal, minute(5) - TICK).await, []);
    assert_eq!(due(journal, minute(5)).await, [Due::Credential(named("a"))]);
}

/// It is rotated by hand.
pub async fn a_credential_without_a_date_is_not_due(journal: &dyn Journal) {
    adopt_due(journal, "a", None).await;
    assert_eq!(due(journal, Timestamp::MAX).await, []);
}

/// The rotation is what has to be looked at.
pub async fn a_credential_whose_rotation_is_running_is_not_due(journal: &dyn Journal) {
    let (_, lease) = opened(journal).await;
    journal
        .release(&lease, Some(minute(5)))
        .await
        .expect("releasing succeeds");
    assert_eq!(due(journal, minute(1_000_000)).await, rotation());
}

/// By the date that the end of the rotation gave it.
pub async fn a_credential_is_due_again_after_its_rotation(journal: &dyn Journal) {
    let (new, lease) = opened(journal).await;
    let walk = finish(journal, &new, &lease).await;
    let date = walk.credential().next_due.expect("it has a period");
    let expected = vec![Due::Credential(sample::name())];
    assert_eq!(due(journal, date - TICK).await, []);
    assert_eq!(due(journal, date).await, expected);
}

/// Whatever their kind, name or order of writing; what is due at the same moment comes rotations first, then by name.
pub async fn what_is_due_comes_earliest_first(journal: &dyn Journal) {
    for (name, at) in [("c", 3), ("z", 1), ("b", 9), ("a", 9)] {
        adopt_due(journal, name, Some(minute(at))).await;
    }
    for (name, number, at) in [("y", 4, 5), ("x", 2, 2), ("w", 3, 2), ("v", 1, 9)] {
        let credential = adopt_due(journal, name, None).await;
        let new = sample::opening(&credential, &sample::rotation_id(number), sample::start());
        let lease = open(journal, &new).await.expect("opening succeeds");
        journal
            .release(&lease, Some(minute(at)))
            .await
            .expect("releasing succeeds");
    }
    let rotation = |number| Due::Rotation(sample::rotation_id(number));
    let credential = |name| Due::Credential(named(name));
    let expected = [
        credential("z"),
        rotation(2),
        rotation(3),
        credential("c"),
        rotation(4),
        rotation(1),
        credential("a"),
        credential("b"),
    ];
    assert_eq!(due(journal, minute(9)).await, expected);
    assert_eq!(due(journal, minute(4)).await, expected[..4]);
    for limit in 0..=expected.len() {
        let first = journal
            .due(minute(9), limit)
            .await
            .expect("reading what is due succeeds");
        assert_eq!(first, expected[..limit]);
    }
}

/// The limit is over both kinds together, and may be nought.
pub async fn no_more_than_the_limit_comes(journal: &dyn Journal) {
    adopt_due(journal, "a", Some(minute(1))).await;
    adopt(journal).await;
    for (limit, expected) in [(0, 0), (1, 1), (2, 2), (usize::MAX, 2)] {
        let first = journal
            .due(Timestamp::MAX, limit)
            .await
            .expect("reading what is due succeeds");
        assert_eq!(first.len(), expected);
    }
}
