//! Durable appends per second: one driver alone, and many that share commits, on a server that syncs.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use keywheel_domain::id::Sequence;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Append, Journal, PortError, SecretSource};
use keywheel_postgres::config::Tls;
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_testkit::containers::Postgres;
use keywheel_testkit::sample;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use zeroize::Zeroizing;

const APPENDS: u64 = 6_000;

#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = Postgres::start_with(&[("fsync", "on"), ("full_page_writes", "on")]).await;
        let bare = APPENDS as f64 / bare(&server).await?.as_secs_f64();
        println!("rows, committed one by one on one connection: {bare:>7.0}/s");
        for tasks in [1, 8, 50] {
            let time = run(&server, tasks).await?;
            let rate = APPENDS as f64 / time.as_secs_f64();
            let ratio = rate / bare;
            println!("{tasks:>4} tasks: {rate:>7.0} appends/s, {ratio:>5.2} times as many, {APPENDS} in {time:.2?}");
        }
        Ok(())
    })
}

/// What the server itself takes: one row of the size of an entry for each commit.
#[expect(clippy::disallowed_methods, reason = "this measures how long something really takes")]
async fn bare(server: &Postgres) -> Result<Duration, Box<dyn Error>> {
    let options: PgConnectOptions = server.url(Postgres::DATABASE).parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    sqlx::query("CREATE TABLE rows (record TEXT NOT NULL)")
        .execute(&mut connection)
        .await?;
    let start = Instant::now();
    for _ in 0..APPENDS {
        let insert = sqlx::query("INSERT INTO rows (record) VALUES ($1)").bind("x".repeat(300));
        insert.execute(&mut connection).await?;
    }
    let time = start.elapsed();
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM rows")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(counted as u64, APPENDS);
    Ok(time)
}

#[derive(Debug)]
struct Password;

#[async_trait]
impl SecretSource for Password {
    async fn read(&self) -> Result<Secret, PortError> {
        Ok(Secret::new(Zeroizing::new(Postgres::PASSWORD.as_bytes().to_vec())))
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures how long something really takes")]
async fn run(server: &Postgres, tasks: u64) -> Result<Duration, Box<dyn Error>> {
    let config = DatabaseConfig {
        schema: format!("bench_{tasks}"),
        tls: Tls::Disable,
        ..DatabaseConfig::new(server.host(), server.port(), Postgres::DATABASE, Postgres::USER)
    };
    let database = Database::open(&config, Some(Arc::new(Password))).await?;
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
async fn begin(database: &Database, number: u64) -> Result<Append, Box<dyn Error>> {
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

async fn drive(database: Arc<Database>, mut append: Append, times: u64) {
    for _ in 0..times {
        database.append(&append).await.expect("the holder of the lease appends");
        append.after = Sequence(append.after.0 + append.entries.len() as u64);
        for (entry, number) in append.entries.iter_mut().zip(append.after.0 + 1..) {
            entry.sequence = Sequence(number);
        }
    }
}
