//! What is due among very many that are not.

use keywheel_domain::ports::{Due, Journal};
use keywheel_testkit::sample::{minute, start};

use super::{Place, meddle, open};

/// A million credentials, each due a minute after the other, and rotations of as many more. Nobody has told the planner about them
/// yet: they are here since a moment ago.
const FILL: &str = "
    SET session_replication_role = replica;
    INSERT INTO credentials (name, record, next_due)
    SELECT 'idle/' || number, '{}', 1767225600000000000 + number * 60000000000 FROM generate_series(1, 1000000) AS number;
    INSERT INTO credentials (name, record, active)
    SELECT 'company/' || number, '{}', 'rotation-' || number FROM generate_series(1, 20000) AS number;
    INSERT INTO rotations (id, credential, running, last_sequence, token, driver, until, wake)
    SELECT 'rotation-' || number, 'company/' || number, TRUE, 1, 1, 'one', 1767225600000000000 + number * 60000000000, 0
    FROM generate_series(1, 20000) AS number";

/// How many rows were read by looking at all of them, once the journal's connections have told.
const SCANNED: &str = "
    SELECT sum(seq_tup_read)::bigint, (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keywheel journal')
    FROM pg_stat_user_tables WHERE relname IN ('credentials', 'rotations')";

#[tokio::test]
async fn a_million_credentials_that_wait_are_not_looked_at() {
    let place = Place::start().await;
    let config = place.next();
    let database = open(&config).await;
    let mut meddler = place.meddler(&config.schema).await;
    meddle(&mut meddler, FILL).await.unwrap();
    meddle(&mut meddler, "SELECT pg_stat_force_next_flush()").await.unwrap();
    let (before, _): (i64, i64) = sqlx::query_as(SCANNED).fetch_one(&mut meddler).await.unwrap();
    // More often than the planner looks at the numbers before it keeps a plan.
    for _ in 0..12 {
        assert_eq!(database.due(start(), 100).await.unwrap(), []);
        let three = [rotation(1), credential(1), rotation(2)];
        assert_eq!(database.due(minute(2), 3).await.unwrap(), three);
        assert_eq!(database.due(minute(3), 100).await.unwrap().len(), 6);
        let due = database.due(minute(1_000_000), 100).await.unwrap();
        assert_eq!((due.len(), due.last()), (100, Some(&credential(50))));
    }
    drop(database);
    let scanned = loop {
        let (scanned, connections): (i64, i64) = sqlx::query_as(SCANNED).fetch_one(&mut meddler).await.unwrap();
        if connections == 0 {
            break scanned - before;
        }
    };
    assert_eq!(scanned, 0);
}

fn rotation(number: u64) -> Due {
    Due::Rotation(format!("rotation-{number}").parse().unwrap())
}

fn credential(number: u64) -> Due {
    Due::Credential(format!("idle/{number}").parse().unwrap())
}
