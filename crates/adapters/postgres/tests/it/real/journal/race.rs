//! Two processes that both want to move one rotation.

use jiff::SignedDuration;
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Journal, JournalError};
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_postgres::Database;
use keywheel_testkit::sample::{self, Walk};

use super::{Place, config, open, open_existing};
use keywheel_testkit::process::{Process, role, tell};

/// What a racing process does; nothing where no test started it.
#[tokio::test]
async fn a_racer() {
    if let Some((driver, port)) = role() {
        let config = config(port.to_str().unwrap().parse().unwrap(), "journal_0");
        let database = open_existing(&config).await.unwrap();
        while take_a_step(&database, &driver, &sample::rotation_id(1)).await {}
    }
}

/// Claims a lease that ends at once, so that everybody takes it from everybody all the time. `false` once there is no step left.
async fn take_a_step(database: &Database, driver: &str, rotation: &RotationId) -> bool {
    let driver = sample::driver(driver);
    let lease = database
        .claim(rotation, &driver, sample::start(), SignedDuration::ZERO)
        .await
        .unwrap();
    let credential = database.credential(&sample::name()).await.unwrap().unwrap();
    let entries = database.load(rotation).await.unwrap();
    let Some(append) = Walk::resume(&entries, credential).next(&lease) else {
        return false;
    };
    match database.append(&append).await {
        Ok(()) => tell(&append.after.to_string()),
        Err(JournalError::Fenced) => {}
        Err(other) => panic!("{other:?}"),
    }
    true
}

#[tokio::test]
async fn two_processes_never_both_take_a_step() {
    let place = Place::start().await;
    let database = open(&place.next()).await;
    database.adopt(&sample::credential()).await.unwrap();
    let new = sample::opening(&sample::credential(), &sample::rotation_id(1), sample::start());
    let lease = database
        .open(&new, &sample::driver("test"), sample::start(), SignedDuration::ZERO)
        .await
        .unwrap();
    let port = place.server.port().to_string();
    let racers = ["one", "two"].map(|driver| Process::start("real::journal::race::a_racer", driver, &port));
    let taken = racers.map(Process::finish);

    let mut expected = Vec::new();
    let mut walk = Walk::new(&new);
    while let Some(append) = walk.next(&lease) {
        expected.push(append.after.to_string());
    }
    let mut steps: Vec<_> = taken.into_iter().flatten().collect();
    steps.sort_by_key(|step| step.parse::<u64>().unwrap());
    assert_eq!(steps, expected, "every step was taken by one of them, once");
    let entries = database.load(&new.rotation).await.unwrap();
    assert_eq!(Rotation::replay(&entries).unwrap().outcome(), Some(Outcome::Completed));
}
