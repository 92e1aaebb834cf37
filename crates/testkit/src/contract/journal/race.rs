//! Several drivers at one journal at the same time.

use std::sync::Arc;

use futures_util::future::join_all;
use keywheel_domain::id::Sequence;
use keywheel_domain::ports::{Append, Journal, JournalError};
use keywheel_domain::rotation::Rotation;

use super::{TTL, claim, load, opened};
use crate::sample;

/// Every handle opens the same journal, as processes do that share one. All of them begin rotations, claim and append at the same
/// time; for everything there is to win there is one winner.
///
/// # Panics
/// Where two drivers both moved a rotation, or nobody could.
pub async fn check_race(handles: &[Arc<dyn Journal>]) {
    one_append_wins_every_step(handles).await;
    one_claim_wins(handles).await;
    one_opening_wins(handles).await;
}

/// All of them hold the same lease, as after a lease that was taken for lost: the sequence decides.
async fn one_append_wins_every_step(handles: &[Arc<dyn Journal>]) {
    let (new, lease) = opened(&*handles[0]).await;
    let mut walk = sample::Walk::new(&new);
    while let Some(append) = walk.next(&lease) {
        let results = join_all(handles.iter().map(|journal| journal.append(&append))).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        let lost = results
            .iter()
            .filter(|result| matches!(result, Err(JournalError::Fenced)))
            .count();
        assert_eq!((won, lost), (1, handles.len() - 1), "{results:?}");
    }
    let replayed = Rotation::replay(&load(&*handles[0]).await).expect("the journal replays");
    assert_eq!(replayed, *walk.rotation());
    let released = handles[0].release(&lease, None).await;
    released.expect("releasing succeeds");
}

async fn one_claim_wins(handles: &[Arc<dyn Journal>]) {
    for round in 1..=10 {
        // Each round is after the leases of the one before.
        let now = sample::start() + TTL * (10 + 2 * round);
        let names: Vec<_> = (0..handles.len()).map(|number| format!("driver-{number}")).collect();
        let claims = handles
            .iter()
            .zip(&names)
            .map(|(journal, name)| claim(&**journal, name, now));
        let results = join_all(claims).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        let held = results
            .iter()
            .filter(|result| matches!(result, Err(JournalError::Held { .. })))
            .count();
        assert_eq!((won, held), (1, handles.len() - 1), "{results:?}");
    }
}

async fn one_opening_wins(handles: &[Arc<dyn Journal>]) {
    let found = handles[0].credential(&sample::name()).await;
    let credential = found.expect("reading succeeds").expect("it was adopted");
    let news: Vec<_> = (2..)
        .take(handles.len())
        .map(|number| sample::opening(&credential, &sample::rotation_id(number), sample::minute(60)))
        .collect();
    let driver = sample::driver("one");
    let opens = handles
        .iter()
        .zip(&news)
        .map(|(journal, new)| journal.open(new, &driver, sample::minute(60), TTL));
    let results = join_all(opens).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    let lease = won.into_iter().next().and_then(Result::ok).expect("one opened it");
    for result in lost {
        assert!(
            matches!(&result, Err(JournalError::Active(id)) if *id == lease.rotation),
            "{result:?}"
        );
    }
    let empty = Append {
        lease,
        after: Sequence(1),
        entries: Vec::new(),
        credential: None,
        wake: None,
    };
    handles[0].append(&empty).await.expect("the winner holds the lease");
}
