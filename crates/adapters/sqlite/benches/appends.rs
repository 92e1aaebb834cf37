//! Durable appends per second: one driver alone, and many that share commits.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keywheel_domain::id::Sequence;
use keywheel_domain::ports::{Append, Journal};
use keywheel_sqlite::Sqlite;
use keywheel_testkit::sample;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

const APPENDS: u64 = 3_000;

#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let bare = runtime.block_on(bare())?;
    println!("bare synced inserts: {:>7.0}/s", APPENDS as f64 / bare.as_secs_f64());
    for tasks in [1, 8, 32, 128] {
        let time = runtime.block_on(run(tasks))?;
        let rate = APPENDS as f64 / time.as_secs_f64();
        println!("{tasks:>4} tasks: {rate:>7.0} appends/s, {APPENDS} in {time:.2?}");
    }
    Ok(())
}

/// What the storage itself takes: one row of the same size for each commit.
#[expect(clippy::disallowed_methods, reason = "this measures how long something really takes")]
async fn bare() -> Result<Duration, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("bare.db"))
        .create_if_missing(true);
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.disable_statement_logging().connect().await?;
    sqlx::query("CREATE TABLE rows (record TEXT NOT NULL)")
        .execute(&mut connection)
        .await?;
    let start = Instant::now();
    for _ in 0..APPENDS {
        let insert = sqlx::query("INSERT INTO rows (record) VALUES (?1)").bind("x".repeat(300));
        insert.execute(&mut connection).await?;
    }
    Ok(start.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "this measures how long something really takes")]
async fn run(tasks: u64) -> Result<Duration, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let database = Sqlite::open(&folder.path().join("bench.db")).await?;
    let mut first = Vec::new();
    for number in 0..tasks {
        first.push(begin(&database, number).await?);
    }
    let start = Instant::now();
    let drivers = first
        .into_iter()
        .map(|append| tokio::spawn(drive(Arc::clone(&database), append, APPENDS / tasks)));
    for driver in drivers.collect::<Vec<_>>() {
        driver.await?;
    }
    Ok(start.elapsed())
}

/// An append like those that a driver makes: the outcome of one step, and the intent of the next.
async fn begin(database: &Sqlite, number: u64) -> Result<Append, Box<dyn Error>> {
    let credential = sample::named(format!("bench/{number}").parse()?);
    database.adopt(&credential).await?;
    let new = sample::opening(&credential, &sample::rotation_id(number), sample::start());
    let driver = sample::driver("bench");
    let lease = database
        .open(&new, &driver, sample::start(), jiff::SignedDuration::from_mins(1))
        .await?;
    let mut append = sample::Walk::new(&new)
        .next(&lease)
        .ok_or("a rotation has a first step")?;
    append.credential = None;
    Ok(append)
}

async fn drive(database: Arc<Sqlite>, mut append: Append, times: u64) {
    for _ in 0..times {
        database.append(&append).await.expect("the holder of the lease appends");
        append.after = Sequence(append.after.0 + append.entries.len() as u64);
        for (entry, number) in append.entries.iter_mut().zip(append.after.0 + 1..) {
            entry.sequence = Sequence(number);
        }
    }
}
