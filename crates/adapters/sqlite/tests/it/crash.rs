//! A process that is killed while it appends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::audit::{AuditPhase, verify};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::{AuditLog, Journal, Lease};
use keywheel_domain::rotation::{Phase, Rotation};
use keywheel_sqlite::Sqlite;
use keywheel_testkit::sample::{self, Walk};
use tempfile::TempDir;

use keywheel_testkit::process::{Process, role, tell};

const KILLS: u64 = 20;
/// Enough to have several of them wait for one commit.
const DRIVERS: u64 = 4;

/// What the process does that is killed; nothing where no test started it.
#[tokio::test(flavor = "multi_thread")]
async fn a_victim() {
    let Some((_, path)) = role() else { return };
    let database = Sqlite::open(path.as_ref()).await.unwrap();
    let drivers = (0..DRIVERS).map(|number| tokio::spawn(rotate_for_ever(Arc::clone(&database), number)));
    for driver in drivers.collect::<Vec<_>>() {
        driver.await.unwrap();
    }
}

/// One rotation after the other of a credential of its own, from wherever the last process left it.
async fn rotate_for_ever(database: Arc<Sqlite>, number: u64) {
    let name: CredentialName = format!("victim/{number}").parse().unwrap();
    let mut credential = match database.credential(&name).await.unwrap() {
        Some(known) => known,
        None => {
            database.adopt(&sample::named(name)).await.unwrap();
            return Box::pin(rotate_for_ever(database, number)).await;
        }
    };
    for round in 0.. {
        let (lease, mut walk) = begin(&database, &credential, number + DRIVERS * round).await;
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
async fn begin(database: &Sqlite, credential: &Credential, number: u64) -> (Lease, Walk) {
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
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keywheel.db");
    let mut random = fastrand::Rng::with_seed(7);
    let mut acknowledged = BTreeMap::new();
    for _ in 0..KILLS {
        let mut victim = Process::start("crash::a_victim", "victim", &path);
        let first: Vec<_> = (0..random.usize(1..80)).map_while(|_| victim.hear()).collect();
        for told in first.into_iter().chain(victim.kill()) {
            let (rotation, sequence) = told.split_once(' ').unwrap();
            acknowledged.insert(
                rotation.parse::<RotationId>().unwrap(),
                sequence.parse::<u64>().unwrap(),
            );
        }
        everything_is_there(&path, &acknowledged).await;
    }
    assert!(acknowledged.len() > KILLS as usize, "{} rotations", acknowledged.len());
}

async fn everything_is_there(path: &Path, acknowledged: &BTreeMap<RotationId, u64>) {
    let database = Sqlite::open_existing(path).await.unwrap();
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
