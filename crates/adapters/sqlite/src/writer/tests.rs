use std::time::Duration;

use futures_util::FutureExt;
use keywheel_domain::ports::{Effect, Retry};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::*;
use crate::{config, schema};

/// Writes a row of that many bytes.
struct Row(usize);

#[async_trait]
impl Change for Row {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let insert = "INSERT INTO materials (credential, version, key_id, wrapped_key, nonce, ciphertext) VALUES ('a', ?1, '', x'', x'', zeroblob(?1))";
        sqlx::query(insert).bind(self.0 as i64).execute(connection).await?;
        Ok(())
    }
}

struct Database {
    _folder: TempDir,
    path: PathBuf,
    options: SqliteConnectOptions,
}

impl Database {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keywheel.db");
        schema::create(&path).await.unwrap();
        let options = config::writer(&path);
        Self {
            _folder: folder,
            path,
            options,
        }
    }

    async fn writer(&self, options: SqliteConnectOptions) -> Writer {
        Writer::start(options.connect().await.unwrap(), self.path.clone())
    }

    /// A writer on a disk on which nothing large has room.
    async fn cramped(&self) -> Writer {
        let mut connection = self.options.connect().await.unwrap();
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 4));
        sqlx::raw_sql(limit).execute(&mut connection).await.unwrap();
        Writer::start(connection, self.path.clone())
    }

    /// The sizes of the rows that are there.
    async fn rows(&self) -> Vec<i64> {
        let mut connection = self.options.connect().await.unwrap();
        let sizes = sqlx::query_scalar("SELECT version FROM materials ORDER BY version");
        sizes.fetch_all(&mut connection).await.unwrap()
    }

    /// Another process that has the file locked.
    async fn locked(&self) -> SqliteConnection {
        let mut connection = self.options.connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        connection
    }
}

fn storage(result: Result<(), JournalError>) -> PortError {
    result.unwrap_err().into()
}

const LARGE: usize = 1_000_000;

#[tokio::test]
async fn a_full_disk_says_so_and_nothing_is_written() {
    let database = Database::new().await;
    let writer = database.cramped().await;
    let error = storage(writer.make(Row(LARGE)).await);
    assert_eq!(
        (error.kind, error.retry, error.effect),
        (ErrorKind::Storage, Retry::Never, Effect::None)
    );
    assert!(error.message().contains("is full; make room on it"), "{error}");
    writer.make(Row(1)).await.unwrap();
    assert_eq!(database.rows().await, [1]);
}

#[tokio::test]
async fn a_change_that_fails_takes_nobody_with_it() {
    let database = Database::new().await;
    let writer = database.cramped().await;
    let lock = database.locked().await;
    // The first waits for the lock, and all the others for the first.
    let all = [1, 2, LARGE, 3].map(|size| writer.make(Row(size)));
    let mut all = futures_util::future::join_all(all);
    assert!((&mut all).now_or_never().is_none());
    drop(lock);
    let answers = all.await;
    let failed: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, false]);
    assert_eq!(database.rows().await, [1, 2, 3]);
}

/// Other than for a full disk, SQLite leaves the transaction open after this.
#[tokio::test]
async fn a_change_that_a_constraint_forbids_takes_nobody_with_it() {
    let database = Database::new().await;
    let writer = database.writer(database.options.clone()).await;
    let answers = futures_util::future::join_all([1, 2, 2, 3].map(|size| writer.make(Row(size)))).await;
    let failed: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, false]);
    assert_eq!(database.rows().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_change_whose_caller_has_gone_is_not_made() {
    let database = Database::new().await;
    let writer = database.writer(database.options.clone()).await;
    let lock = database.locked().await;
    let mut first = std::pin::pin!(writer.make(Row(1)));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(writer.make(Row(2)).now_or_never().is_none());
    drop(lock);
    first.await.unwrap();
    writer.make(Row(3)).await.unwrap();
    assert_eq!(database.rows().await, [1, 3]);
}

#[tokio::test]
async fn a_lock_that_stays_is_unavailable_and_worth_another_try() {
    let database = Database::new().await;
    let impatient = database.options.clone().busy_timeout(Duration::ZERO);
    let writer = database.writer(impatient).await;
    let lock = database.locked().await;
    let error = storage(writer.make(Row(1)).await);
    assert_eq!(
        (error.kind, error.retry, error.effect),
        (ErrorKind::Unavailable, Retry::Later, Effect::None)
    );
    assert!(error.message().contains("locked"), "{error}");
    lock.close().await.unwrap();
    writer.make(Row(2)).await.unwrap();
    assert_eq!(database.rows().await, [2]);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_says_so() {
    let database = Database::new().await;
    let writer = database.writer(config::reader(&database.path)).await;
    let error = storage(writer.make(Row(1)).await);
    assert_eq!(
        (error.kind, error.retry, error.effect),
        (ErrorKind::Storage, Retry::Never, Effect::None)
    );
    assert!(error.message().contains("cannot be written; make the file"), "{error}");
}

#[tokio::test]
async fn a_writer_that_stopped_leaves_nothing_unknown() {
    let database = Database::new().await;
    let path = database.path.clone();
    let (jobs, waiting) = mpsc::channel(1);
    drop(waiting);
    let error = storage(Writer { path, jobs }.make(Row(1)).await);
    assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::None));
}

#[tokio::test]
async fn only_a_commit_that_found_neither_lock_nor_room_is_known_to_have_failed() {
    let database = Database::new().await;
    let _lock = database.locked().await;
    let impatient = database.options.clone().busy_timeout(Duration::ZERO);
    let mut connection = impatient.connect().await.unwrap();
    let busy = sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap_err();
    let other = sqlx::query("COMMIT").execute(&mut connection).await.unwrap_err();
    assert!(!error::leaves_commit_unknown(&busy), "{busy}");
    for unknown in [other, sqlx::Error::WorkerCrashed] {
        assert!(error::leaves_commit_unknown(&unknown), "{unknown}");
    }
}
