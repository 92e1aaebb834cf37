//! Commits that are shared, and what they are set to.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;
use keywheel_domain::id::{FencingToken, RotationId};
use keywheel_domain::ports::{Journal, JournalError, Lease};
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_postgres::Database;
use keywheel_testkit::sample::{self, Walk};

use super::{Place, begin, meddle, open};

const DRIVERS: u64 = 50;

async fn walk(database: Arc<Database>, lease: Lease, mut walk: Walk) -> RotationId {
    while let Some(append) = walk.next(&lease) {
        database.append(&append).await.unwrap();
    }
    lease.rotation
}

async fn begun(database: &Arc<Database>) -> Vec<(Lease, Walk)> {
    join_all((1..=DRIVERS).map(|number| begin(database, number))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_run_in_parallel_share_commits() {
    let place = Place::start().await;
    let config = place.next();
    let database = open(&config).await;
    let begun = begun(&database).await;
    let walks = begun
        .into_iter()
        .map(|(lease, begun)| tokio::spawn(walk(Arc::clone(&database), lease, begun)));
    for walked in walks.collect::<Vec<_>>() {
        let entries = database.load(&walked.await.unwrap()).await.unwrap();
        assert_eq!(Rotation::replay(&entries).unwrap().outcome(), Some(Outcome::Completed));
    }
    let mut meddler = place.meddler(&config.schema).await;
    // What one transaction wrote has its number.
    let counts =
        "SELECT count(DISTINCT (rotation, xmin::text)), count(DISTINCT xmin::text) FROM entries WHERE sequence > 1";
    let (appends, transactions): (i64, i64) = sqlx::query_as(counts).fetch_one(&mut meddler).await.unwrap();
    assert!(
        transactions * 4 < appends,
        "{appends} appends in {transactions} transactions"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_refused_holds_up_nobody() {
    let place = Place::start().await;
    let database = place.fresh().await;
    let mut appends = Vec::new();
    for (mut lease, mut walk) in begun(&database).await {
        let fenced = appends.len() % 2 == 1;
        if fenced {
            lease.token = FencingToken(99);
        }
        appends.push((fenced, walk.next(&lease).unwrap()));
    }
    let answers = join_all(appends.iter().map(|(_, append)| database.append(append))).await;
    for ((fenced, append), answer) in appends.iter().zip(answers) {
        assert_eq!(matches!(answer, Err(JournalError::Fenced)), *fenced, "{answer:?}");
        assert_eq!(answer.is_ok(), !*fenced);
        let written = super::length(&database, &append.lease.rotation).await;
        assert_eq!(written, if *fenced { 1 } else { 1 + append.entries.len() });
    }
}

/// The server itself refuses one of them, and with it the statement that has all.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_breaks_the_transaction_takes_nobody_with_it() {
    let place = Place::start().await;
    let config = place.next();
    let database = open(&config).await;
    let mut begun = begun(&database).await;
    let odd = begun[7].0.rotation.clone();
    let mut meddler = place.meddler(&config.schema).await;
    let constraint = format!("ALTER TABLE entries ADD CONSTRAINT odd CHECK (rotation <> '{odd}' OR sequence = 1)");
    meddle(&mut meddler, &constraint).await.unwrap();
    let appends: Vec<_> = begun
        .iter_mut()
        .map(|(lease, walk)| walk.next(lease).unwrap())
        .collect();
    let answers = join_all(appends.iter().map(|append| database.append(append))).await;
    for (append, answer) in appends.iter().zip(answers) {
        assert_eq!(answer.is_err(), append.lease.rotation == odd, "{answer:?}");
        let written = super::length(&database, &append.lease.rotation).await;
        let expected = if append.lease.rotation == odd {
            1
        } else {
            1 + append.entries.len()
        };
        assert_eq!(written, expected);
    }
}

/// Two processes find the same rotations due and claim them in opposite order, all at once.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_claim_everything_share_it_without_waiting_for_each_other() {
    let place = Place::start().await;
    let config = place.next();
    let (one, two) = (open(&config).await, open(&config).await);
    let ids: Vec<_> = begun(&one).await.into_iter().map(|(lease, _)| lease.rotation).collect();
    for round in 1..=10 {
        let now = sample::start() + SignedDuration::from_hours(round);
        let claim = |database: &Arc<Database>, driver: &str, id: &RotationId| {
            let (database, driver, id) = (Arc::clone(database), sample::driver(driver), id.clone());
            tokio::spawn(async move { database.claim(&id, &driver, now, SignedDuration::from_mins(1)).await })
        };
        let first: Vec<_> = ids.iter().map(|id| claim(&one, "one", id)).collect();
        let second: Vec<_> = ids.iter().rev().map(|id| claim(&two, "two", id)).collect();
        let mut won = 0;
        for claimed in first.into_iter().chain(second) {
            match claimed.await.unwrap() {
                Ok(lease) => won += usize::from(lease.token > FencingToken(1)),
                Err(JournalError::Held { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(won, ids.len(), "round {round}");
    }
    let mut meddler = place.meddler(&config.schema).await;
    let query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(query).fetch_one(&mut meddler).await.unwrap();
    assert_eq!(deadlocks, 0);
}
