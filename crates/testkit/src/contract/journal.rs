//! What every journal has to keep. Each check is a sentence of the port's contract, and can be run alone.

pub mod append;
pub mod due;
pub mod inventory;
pub mod lease;
pub mod open;
mod race;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{FencingToken, RotationId};
use keywheel_domain::ports::{Append, Due, Effect, ErrorKind, Journal, JournalError, Lease, NewRotation};
use keywheel_domain::rotation::Entry;

use crate::sample;

pub use race::check_race;

/// Makes an empty journal.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn Journal>> + Send + Sync);

/// How long every lease of the checks lasts: an hour.
const TTL: SignedDuration = SignedDuration::from_hours(1);

/// Runs every check, each on a journal of its own.
///
/// # Panics
/// Where the journal breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    inventory::check(fresh).await;
    open::check(fresh).await;
    lease::check(fresh).await;
    append::check(fresh).await;
    due::check(fresh).await;
    let journal = fresh().await;
    check_race(&[Arc::clone(&journal), journal]).await;
}

/// Calls each check with a journal of its own.
macro_rules! each {
    ($fresh:expr; $($check:ident),+ $(,)?) => {$( $check(&*$fresh().await).await; )+};
}
use each;

/// The sample credential, adopted.
async fn adopt(journal: &dyn Journal) -> Credential {
    let credential = sample::credential();
    journal.adopt(&credential).await.expect("adopting succeeds");
    credential
}

/// The first rotation of the sample credential, opened at the start by the driver `one`.
async fn opened(journal: &dyn Journal) -> (NewRotation, Lease) {
    let credential = adopt(journal).await;
    let new = sample::opening(&credential, &sample::rotation_id(1), sample::start());
    let lease = open(journal, &new).await.expect("opening succeeds");
    (new, lease)
}

async fn open(journal: &dyn Journal, new: &NewRotation) -> Result<Lease, JournalError> {
    journal.open(new, &sample::driver("one"), new.opened.at, TTL).await
}

async fn claim(journal: &dyn Journal, driver: &str, at: Timestamp) -> Result<Lease, JournalError> {
    journal
        .claim(&sample::rotation_id(1), &sample::driver(driver), at, TTL)
        .await
}

async fn load(journal: &dyn Journal) -> Vec<Entry> {
    let entries = journal.load(&sample::rotation_id(1)).await;
    entries.expect("loading succeeds")
}

async fn credential(journal: &dyn Journal) -> Credential {
    let found = journal.credential(&sample::name()).await;
    found.expect("reading succeeds").expect("it was adopted")
}

async fn due(journal: &dyn Journal, now: Timestamp) -> Vec<Due> {
    journal.due(now, 100).await.expect("reading what is due succeeds")
}

/// Walks the rotation to its end, and returns how it was left.
async fn finish(journal: &dyn Journal, new: &NewRotation, lease: &Lease) -> sample::Walk {
    let mut walk = sample::Walk::new(new);
    while let Some(append) = walk.next(lease) {
        journal.append(&append).await.expect("the holder of the lease appends");
    }
    walk
}

/// The append that follows the opening, under another token.
fn first_append(new: &NewRotation, lease: &Lease) -> Append {
    sample::Walk::new(new).next(lease).expect("a rotation has a first step")
}

fn with_token(lease: &Lease, token: FencingToken) -> Lease {
    Lease { token, ..lease.clone() }
}

fn is_active(error: &JournalError, running: &RotationId) -> bool {
    matches!(error, JournalError::Active(active) if active == running)
}

/// A storage error of that kind that certainly changed nothing.
fn is_storage(error: &JournalError, kind: ErrorKind) -> bool {
    matches!(error, JournalError::Storage(error) if error.kind == kind && error.effect == Effect::None)
}
