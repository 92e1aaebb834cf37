//! Connections and servers that break while something is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use keywheel_domain::audit::{AuditPhase, verify};
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{
    Append, AuditLog, Effect, ErrorKind, Journal, JournalError, Lease, MaterialStore, PortError, Retry,
};
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_testkit::containers::{Postgres, Proxy};
use keywheel_testkit::sample::{self, Walk};

use tokio::sync::Semaphore;

use super::{Place, append, begin, config, length, meddle, open};

const DRIVERS: u64 = 8;
const BREAKS: u32 = 3;

/// What drivers and breaks tell each other.
struct Progress {
    steps: Semaphore,
    breaks: AtomicU32,
}

/// Rotates again and again as a driver does, until it broke often enough: what failed is repeated, and after an
/// unknown effect it looks first.
async fn rotate(database: Arc<Database>, driver: u64, progress: Arc<Progress>) -> Vec<RotationId> {
    let mut done = Vec::new();
    for round in 0.. {
        if progress.breaks.load(Ordering::Relaxed) >= BREAKS {
            break;
        }
        let number = 1 + driver + DRIVERS * round;
        let credential = sample::named(format!("company/{number}").parse().unwrap());
        // Whether it was adopted by a try whose answer was lost shows at the opening.
        while !matches!(database.adopt(&credential).await, Ok(()) | Err(JournalError::Changed)) {}
        let new = sample::opening(&credential, &sample::rotation_id(number), sample::start());
        let ttl = SignedDuration::from_mins(1);
        let lease = loop {
            match database.open(&new, &sample::driver("one"), sample::start(), ttl).await {
                Ok(lease) => break lease,
                Err(JournalError::Active(active)) if active == new.rotation => {
                    let claimed = database
                        .claim(&active, &sample::driver("one"), sample::start(), ttl)
                        .await;
                    if let Ok(lease) = claimed {
                        break lease;
                    }
                }
                Err(JournalError::Storage(error)) => assert!(error.retry != Retry::Never, "{}", error.chain()),
                Err(other) => panic!("{other:?}"),
            }
        };
        let mut walk = Walk::new(&new);
        while let Some(next) = walk.next(&lease) {
            write(&database, &next).await;
            progress.steps.add_permits(1);
        }
        let event = sample::audit_event(&new.rotation, AuditPhase::Complete);
        while AuditLog::append(&*database, &event).await.is_err() {}
        done.push(new.rotation);
    }
    done
}

async fn write(database: &Database, append: &Append) {
    loop {
        let fenced = match super::append(database, append).await {
            Ok(()) => return,
            // What was given up may arrive late, and be there before what repeats it.
            Err(JournalError::Fenced) => true,
            Err(JournalError::Storage(error)) => {
                assert!(error.retry != Retry::Never, "{}", error.chain());
                false
            }
            Err(other) => panic!("{other:?}"),
        };
        let there = loop {
            if let Ok(entries) = database.load(&append.lease.rotation).await {
                break entries.len() as u64;
            }
        };
        if there > append.after.0 {
            assert_eq!(there, append.last().0, "all or nothing");
            return;
        }
        assert!(!fenced, "nobody else drives this rotation");
    }
}

/// Every rotation is whole, once, and the audit log has it once.
async fn everything_is_there(database: &Database, done: &[RotationId]) {
    for rotation in done {
        let entries = database.load(rotation).await.unwrap();
        assert_eq!(Rotation::replay(&entries).unwrap().outcome(), Some(Outcome::Completed));
    }
    let records = AuditLog::read(database).await.unwrap();
    verify(&records).unwrap();
    assert_eq!(records.len(), done.len());
    let credentials = database.credentials().await.unwrap();
    assert_eq!(credentials.len(), done.len());
    assert!(credentials.iter().all(|credential| credential.active.is_none()));
}

/// What is done between two breaks. Some of it is under way when the next one comes.
const STEPS: u32 = 40;

/// Has all drivers rotate while something breaks again and again. They go on after the last break, to their ends.
#[expect(clippy::future_not_send, reason = "the test awaits it where it is made")]
async fn rotate_while(place: &Place, breaks: impl AsyncFn(&Place, &DatabaseConfig)) {
    let config = place.next();
    let database = open(&config).await;
    let progress = Arc::new(Progress {
        steps: Semaphore::new(0),
        breaks: AtomicU32::new(0),
    });
    let drivers: Vec<_> = (0..DRIVERS)
        .map(|driver| tokio::spawn(rotate(Arc::clone(&database), driver, Arc::clone(&progress))))
        .collect();
    let rotating = async {
        let done: Vec<_> = join_all(drivers).await.into_iter().flat_map(Result::unwrap).collect();
        progress.steps.close();
        done
    };
    let breaking = async {
        while let Ok(made) = progress.steps.acquire_many(STEPS).await {
            made.forget();
            breaks(place, &config).await;
            progress.breaks.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (done, ()) = futures_util::join!(rotating, breaking);
    assert!(progress.breaks.load(Ordering::Relaxed) >= BREAKS);
    everything_is_there(&database, &done).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_terminated_lose_and_double_nothing() {
    let place = Place::start().await;
    rotate_while(&place, async |place, config| {
        let mut meddler = place.meddler(&config.schema).await;
        let terminate = "
            SELECT pg_sleep(0.02), pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'keywheel journal'";
        meddle(&mut meddler, terminate).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_loses_and_doubles_nothing() {
    let place = Place::start().await;
    rotate_while(&place, async |place, _| place.server.restart().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_loses_and_doubles_nothing() {
    let place = Place::start_with(&Postgres::DURABLE).await;
    rotate_while(&place, async |place, _| {
        place.server.kill().await;
        place.server.start_again().await;
    })
    .await;
}

/// A journal behind a proxy, with a rotation, and its connections made.
async fn behind(place: &Place) -> (Proxy, Arc<Database>, Lease, Walk) {
    let proxy = Proxy::start(place.server.port()).await;
    let config = DatabaseConfig {
        connect_timeout: SignedDuration::from_secs(2),
        statement_timeout: SignedDuration::from_secs(2),
        ..config(proxy.port(), "journal")
    };
    let database = open(&config).await;
    let (lease, mut walk) = begin(&database, 1).await;
    append(&database, &walk.next(&lease).unwrap()).await.unwrap();
    (proxy, database, lease, walk)
}

fn is_unknown(error: &PortError) -> bool {
    error.effect == Effect::Unknown && error.retry == Retry::Later
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_unknown_and_there() {
    let place = Place::start().await;
    let (proxy, database, lease, mut walk) = behind(&place).await;
    let next = walk.next(&lease).unwrap();
    proxy.lose_answers(true);
    let error = PortError::from(append(&database, &next).await.unwrap_err());
    assert!(is_unknown(&error), "{}", error.chain());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    proxy.heal();
    assert_eq!(length(&database, &lease.rotation).await as u64, next.last().0);
    let repeated = append(&database, &next).await;
    assert!(matches!(repeated, Err(JournalError::Fenced)), "{repeated:?}");
    append(&database, &walk.next(&lease).unwrap()).await.unwrap();
}

#[tokio::test]
async fn what_is_repeated_after_a_lost_answer_is_done_once() {
    let place = Place::start().await;
    let (proxy, database, lease, _) = behind(&place).await;
    let event = sample::audit_event(&lease.rotation, AuditPhase::Begin);
    let id = sample::version_id(1);
    let mut unknown = 0;
    // Once for a login, once for the preparation of a statement, once for what it does.
    for _ in 0..3 {
        for lose in [true, false] {
            if lose {
                proxy.lose_answers(true);
            } else {
                proxy.heal();
            }
            let results = [
                database.put(&id, &sample::sealed(1)).await.map(|_| ()),
                AuditLog::append(&*database, &event).await.map(|_| ()),
                database
                    .release(&lease, Some(sample::start()))
                    .await
                    .map_err(PortError::from),
                database.destroy(&sample::version_id(9)).await,
            ];
            for result in results {
                assert_eq!(result.is_err(), lose, "{result:?}");
                let error = result.err();
                assert!(error.as_ref().is_none_or(|error| error.retry == Retry::Later));
                unknown += usize::from(error.is_some_and(|error| is_unknown(&error)));
            }
        }
    }
    assert!(unknown > 4, "{unknown}");
    assert_eq!(AuditLog::read(&*database).await.unwrap().len(), 1);
    assert_eq!(database.get(&id).await.unwrap(), Some(sample::sealed(1)));
}

/// The lease is ours, under whatever token.
#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_claimed_again() {
    let place = Place::start().await;
    let (proxy, database, lease, mut walk) = behind(&place).await;
    let driver = sample::driver("one");
    let ttl = SignedDuration::from_mins(1);
    let claim = || database.claim(&lease.rotation, &driver, sample::start(), ttl);
    claim().await.unwrap();
    proxy.lose_answers(true);
    assert!(is_unknown(&claim().await.unwrap_err().into()));
    proxy.heal();
    let lease = claim().await.unwrap();
    assert_eq!(lease.token.0, 4);
    append(&database, &walk.next(&lease).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_nobody_knows_what_it_did() {
    let place = Place::start().await;
    let (proxy, database, lease, mut walk) = behind(&place).await;
    let next = walk.next(&lease).unwrap();
    proxy.hang();
    let error = PortError::from(append(&database, &next).await.unwrap_err());
    assert!(is_unknown(&error), "{}", error.chain());
    assert_eq!(error.kind, ErrorKind::TimedOut);
    // Now there is no connection, and nothing was sent.
    let error = PortError::from(append(&database, &next).await.unwrap_err());
    assert_eq!(
        (error.effect, error.retry),
        (Effect::None, Retry::Later),
        "{}",
        error.chain()
    );
    proxy.heal();
    write(&database, &next).await;
    append(&database, &walk.next(&lease).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_leaves_nothing_unknown() {
    let place = Place::start().await;
    let (proxy, database, lease, mut walk) = behind(&place).await;
    let next = walk.next(&lease).unwrap();
    proxy.cut();
    // The first finds the connection gone, and cannot know when it went.
    let first = PortError::from(append(&database, &next).await.unwrap_err());
    assert_eq!(first.retry, Retry::Later);
    let id = sample::version_id(1);
    let (appended, read, material) =
        futures_util::join!(append(&database, &next), database.credentials(), database.get(&id));
    for error in [
        PortError::from(appended.unwrap_err()),
        PortError::from(read.unwrap_err()),
        material.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.effect, error.retry),
            (ErrorKind::Unavailable, Effect::None, Retry::Later),
            "{}",
            error.chain()
        );
    }
    proxy.heal();
    append(&database, &next).await.unwrap();
}

/// Other than a driver's, whose connections are never idle for long.
#[tokio::test]
async fn a_connection_that_was_closed_while_it_rested_is_made_anew() {
    let place = Place::start().await;
    let (_proxy, database, lease, mut walk) = behind(&place).await;
    database.credentials().await.unwrap();
    rest().await;
    let mut meddler = place.meddler("journal").await;
    let terminate =
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'keywheel journal'";
    meddle(&mut meddler, terminate).await.unwrap();
    assert_eq!(database.credentials().await.unwrap().len(), 1);
    append(&database, &walk.next(&lease).unwrap()).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a connection rests in real time")]
async fn rest() {
    tokio::time::sleep(Duration::from_millis(1_200)).await;
}

/// A statement that the server gives up has certainly done nothing, and its connection goes on.
#[tokio::test]
async fn a_lock_that_somebody_holds_is_waited_for_and_given_up() {
    let place = Place::start().await;
    let (_proxy, database, lease, mut walk) = behind(&place).await;
    let next = walk.next(&lease).unwrap();
    let mut meddler = place.meddler("journal").await;
    meddle(&mut meddler, "BEGIN; LOCK TABLE rotations").await.unwrap();
    let error = PortError::from(append(&database, &next).await.unwrap_err());
    assert_eq!(
        (error.effect, error.retry),
        (Effect::None, Retry::Later),
        "{}",
        error.chain()
    );
    meddle(&mut meddler, "ROLLBACK").await.unwrap();
    append(&database, &next).await.unwrap();
}
