//! Processes that are killed while they append to one journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::audit::{AuditPhase, verify};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::{AuditLog, Journal, Lease};
use keywheel_domain::rotation::{Phase, Rotation};
use keywheel_postgres::Database;
use keywheel_testkit::sample::{self, Walk};

use super::{Place, config, open, open_existing};
use keywheel_testkit::process::{Process, role, tell};

const KILLS: u64 = 10;
/// Enough to have several of them wait for one commit.
const DRIVERS: u64 = 4;

/// What the process does that is killed; nothing where no test started it.
#[tokio::test(flavor = "multi_thread")]
async fn a_victim() {
    let Some((victim, port)) = role() else { return };
    let database = open_existing(&config(port.to_str().unwrap().parse().unwrap(), "journal_0"))
        .await
        .unwrap();
    let drivers =
        (0..DRIVERS).map(|number| tokio::spawn(rotate_for_ever(Arc::clone(&database), victim.clone(), number)));
    for driver in drivers.collect::<Vec<_>>() {
        driver.await.unwrap();
    }
}

/// One rotation after the other of a credential of its own, from wherever the last process left it.
async fn rotate_for_ever(database: Arc<Database>, victim: String, number: u64) {
    let name: CredentialName = format!("{victim}/{number}").parse().unwrap();
    let mut credential = match database.credential(&name).await.unwrap() {
        Some(known) => known,
        None => {
            database.adopt(&sample::named(name)).await.unwrap();
            return Box::pin(rotate_for_ever(database, victim, number)).await;
        }
    };
    // Each of the two processes has numbers of its own.
    let lane = number + if victim == "one" { 0 } else { DRIVERS };
    for round in 0.. {
        let (lease, mut walk) = begin(&database, &credential, lane + 2 * DRIVERS * round).await;
        while let Some(append) = walk.next(&lease) {
            Journal::append(&*database, &append).await.unwrap();
            let last = append.entries.last().unwrap();
            tell(&format!("{} {}", lease.rotation, last.sequence));
        }
        let event = sample::audit_event(&lease.rotation, AuditPhase::Complete);
        AuditLog::append(&*database, &event).await.unwrap();
        credential = walk.credential().clone();
    }
}

/// Goes on with the rotation that is running, or begins another one.
async fn begin(database: &Database, credential: &Credential, number: u64) -> (Lease, Walk) {
    let driver = sample::driver("victim");
    if let Some(active) = &credential.active {
        let lease = database
            .claim(active, &driver, sample::start(), SignedDuration::ZERO)
            .await
            .unwrap();
        let entries = database.load(active).await.unwrap();
        return (lease, Walk::resume(&entries, credential.clone()));
    }
    let opened_before = database.rotations(&credential.name).await.unwrap().len() as u64;
    let id = sample::rotation_id(1_000_000 * opened_before + number);
    let new = sample::opening(credential, &id, sample::start());
    let lease = database
        .open(&new, &driver, sample::start(), SignedDuration::ZERO)
        .await
        .unwrap();
    tell(&format!("{id} 1"));
    (lease, Walk::new(&new))
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let place = Place::start().await;
    let journal = place.next();
    open(&journal).await;
    let port = place.server.port().to_string();
    let mut random = fastrand::Rng::with_seed(7);
    let mut acknowledged = BTreeMap::new();
    for _ in 0..KILLS {
        let mut victims = ["one", "two"].map(|name| Process::start("real::journal::crash::a_victim", name, &port));
        let first: Vec<_> = (0..random.usize(1..80)).map_while(|_| victims[0].hear()).collect();
        let told = victims.map(Process::kill);
        for told in told.into_iter().flatten().chain(first) {
            let (rotation, sequence) = told.split_once(' ').unwrap();
            let last = acknowledged.entry(rotation.parse::<RotationId>().unwrap()).or_insert(0);
            *last = sequence.parse::<u64>().unwrap().max(*last);
        }
        everything_is_there(&open_existing(&journal).await.unwrap(), &acknowledged).await;
    }
    assert!(acknowledged.len() > KILLS as usize, "{} rotations", acknowledged.len());
}

async fn everything_is_there(database: &Database, acknowledged: &BTreeMap<RotationId, u64>) {
    for (rotation, sequence) in acknowledged {
        let entries = database.load(rotation).await.unwrap();
        assert!(
            entries.len() as u64 >= *sequence,
            "{} of {sequence} entries",
            entries.len()
        );
    }
    for credential in database.credentials().await.unwrap() {
        let rotations = database.rotations(&credential.name).await.unwrap();
        let mut running = Vec::new();
        for rotation in rotations {
            let replayed = Rotation::replay(&database.load(&rotation).await.unwrap()).unwrap();
            if !matches!(replayed.phase(), Phase::Resting(_)) {
                running.push(rotation);
            }
        }
        assert_eq!(
            running,
            credential.active.into_iter().collect::<Vec<_>>(),
            "the credential follows its journal"
        );
    }
    verify(&database.read().await.unwrap()).unwrap();
}
