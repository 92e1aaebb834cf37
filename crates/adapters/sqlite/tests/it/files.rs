//! Files that are not what they should be, and who may read them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::audit::AuditPhase;
use keywheel_domain::ports::{AuditLog, Effect, ErrorKind, Journal, MaterialStore, PortError};
use keywheel_sqlite::Sqlite;
use keywheel_testkit::sample;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keywheel.db");
    (folder, path)
}

/// A database with something in every table, closed.
async fn filled() -> (TempDir, PathBuf) {
    let (folder, path) = place();
    fill(&Sqlite::open(&path).await.unwrap()).await;
    closed(&path).await;
    (folder, path)
}

async fn fill(database: &Sqlite) {
    database.adopt(&sample::credential()).await.unwrap();
    let new = sample::opening(&sample::credential(), &sample::rotation_id(1), sample::start());
    let ttl = SignedDuration::from_mins(1);
    database
        .open(&new, &sample::driver("one"), sample::start(), ttl)
        .await
        .unwrap();
    database.put(&sample::version_id(1), &sample::sealed(1)).await.unwrap();
    AuditLog::append(database, &sample::audit_event(&new.rotation, AuditPhase::Begin))
        .await
        .unwrap();
}

/// Runs statements behind the back of Keywheel.
async fn meddle(path: &Path, statements: &str) -> Result<(), sqlx::Error> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let result = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await;
    connection.close().await.unwrap();
    result.map(|_| ())
}

/// Waits until the last connection is closed, which takes the log of writes with it.
async fn closed(path: &Path) {
    while path.with_extension("db-wal").exists() {
        tokio::task::yield_now().await;
    }
}

/// Has everything stand in the file itself, while it is open.
async fn settle(path: &Path) {
    meddle(path, "PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
}

async fn refusal(path: &Path) -> PortError {
    let error = Sqlite::open(path).await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
    assert!(
        error.message().contains(&path.display().to_string()) || error.message().contains("folder"),
        "{error}"
    );
    error
}

/// Refused with these words, and not a byte of the file is another one.
async fn refused_and_untouched(path: &Path, words: &str) {
    let before = fs::read(path).unwrap();
    let error = refusal(path).await;
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(error.message().contains(words), "{error}");
    assert_eq!(fs::read(path).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let (folder, _) = place();
    let missing = folder.path().join("missing");
    let error = Sqlite::open(&missing.join("keywheel.db")).await.unwrap_err();
    let expected = format!(
        "{} does not exist; create it, or choose another path",
        missing.display()
    );
    assert_eq!((error.kind, error.message()), (ErrorKind::Storage, expected.as_str()));
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_path_that_is_a_folder_is_refused() {
    let (folder, _) = place();
    let error = refusal(folder.path()).await;
    assert!(error.message().contains("is a folder"), "{error}");
}

#[tokio::test]
async fn a_path_through_a_file_is_refused() {
    let (_folder, path) = place();
    fs::write(&path, "a file").unwrap();
    let error = Sqlite::open(&path.join("keywheel.db")).await.unwrap_err();
    assert!(
        error.message().contains("is a file where a folder should be"),
        "{error}"
    );
}

/// `/sys` takes files from nobody, whoever runs the test.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let error = Sqlite::open("/sys/keywheel.db".as_ref()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(
        error.message().starts_with("/sys cannot be written; make it writable"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_database_is_not_made_where_one_is_expected() {
    let (_folder, path) = place();
    let error = Sqlite::open_existing(&path).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message().contains("keywheel init"), "{error}");
    assert!(!path.exists());
}

/// Opened together with a new database, the old log would be taken for its own.
#[tokio::test]
async fn the_log_of_a_database_that_is_gone_is_not_taken_over() {
    let (_folder, path) = place();
    let log = path.with_extension("db-wal");
    fs::write(&log, "the last writes").unwrap();
    let error = refusal(&path).await;
    assert!(
        error.message().contains("belongs to a database that is gone"),
        "{error}"
    );
    assert_eq!(fs::read(&log).unwrap(), b"the last writes");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_name_that_is_no_text_is_refused() {
    let (folder, _) = place();
    let path = folder.path().join(OsStr::from_bytes(b"keywheel\xff.db"));
    let error = Sqlite::open(&path).await.unwrap_err();
    assert!(error.message().contains("is not UTF-8; choose another path"), "{error}");
    assert_eq!(modes(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_untouched() {
    let (_folder, path) = place();
    for content in ["", "a shopping list", &"long ".repeat(4096)] {
        fs::write(&path, content).unwrap();
        refused_and_untouched(&path, "is not a database of Keywheel").await;
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_untouched() {
    let (_folder, path) = place();
    meddle(&path, "CREATE TABLE theirs (x)").await.unwrap();
    refused_and_untouched(&path, "is not a database of Keywheel").await;
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused_and_untouched() {
    let (_folder, path) = filled().await;
    meddle(&path, "PRAGMA user_version = 99; CREATE TABLE later (x)")
        .await
        .unwrap();
    settle(&path).await;
    refused_and_untouched(
        &path,
        "was written by a newer version of Keywheel (schema 99, this one knows 1)",
    )
    .await;
}

/// Wherever it shows first: when it is opened, or when the damaged part is read.
async fn damaged(damage: impl Fn(&mut Vec<u8>)) {
    let (_folder, path) = filled().await;
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let error = match Sqlite::open(&path).await {
        Ok(database) => database.load(&sample::rotation_id(1)).await.unwrap_err().into(),
        Err(error) => error,
    };
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(error.message().contains("is damaged; stop Keywheel"), "{error}");
}

/// The header and the first page stay, so that it is a database at first sight.
#[tokio::test]
async fn a_database_with_overwritten_pages_is_damaged() {
    damaged(|bytes| bytes[4096..].fill(0x55)).await;
    damaged(|bytes| {
        let end = bytes.len();
        bytes[end / 2..].fill(0x55);
    })
    .await;
}

#[tokio::test]
async fn a_truncated_database_is_damaged() {
    damaged(|bytes| bytes.truncate(6000)).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named() {
    let (_folder, path) = filled().await;
    meddle(
        &path,
        "DROP TRIGGER entries_stay; UPDATE entries SET record = replace(record, '\"v\":1', '\"v\":7')",
    )
    .await
    .unwrap();
    let database = Sqlite::open(&path).await.unwrap();
    let error = PortError::from(database.load(&sample::rotation_id(1)).await.unwrap_err());
    assert!(
        error
            .message()
            .contains(&format!("entry 1 of rotation {}", sample::rotation_id(1))),
        "{error}"
    );
    assert!(error.chain().contains("version 7, which is newer"), "{}", error.chain());
}

#[tokio::test]
async fn what_was_written_is_neither_changed_nor_deleted() {
    let (_folder, path) = filled().await;
    for statement in [
        "UPDATE entries SET record = ''",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT rotation, sequence, '' FROM entries",
        "UPDATE audit_records SET body = ''",
        "DELETE FROM audit_records",
        "INSERT OR REPLACE INTO audit_records SELECT sequence, 'x', 'x', 'x', 'x' FROM audit_records",
        "INSERT OR REPLACE INTO audit_records SELECT sequence + 1, key, 'x', 'x', 'x' FROM audit_records",
        "INSERT OR REPLACE INTO audit_records SELECT sequence + 1, 'x', previous, 'x', 'x' FROM audit_records",
        "UPDATE materials SET ciphertext = x''",
        "INSERT OR REPLACE INTO materials SELECT credential, version, 'x', x'', x'', x'' FROM materials",
    ] {
        let error = meddle(&path, statement).await.unwrap_err().to_string();
        assert!(
            error.contains("append-only") || error.contains("never replaced"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let (folder, path) = place();
    fill(&Sqlite::open(&path).await.unwrap()).await;
    let database = Sqlite::open(&path).await.unwrap();
    assert!(database.credentials().await.unwrap().len() == 1);
    let modes = modes(folder.path());
    assert_eq!(modes, ["keywheel.db 600", "keywheel.db-shm 600", "keywheel.db-wal 600"]);
}

fn modes(folder: &Path) -> Vec<String> {
    let mut modes: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            format!("{} {mode:o}", entry.file_name().display())
        })
        .collect();
    modes.sort();
    modes
}

#[tokio::test]
async fn a_database_that_others_could_read_is_closed_to_them() {
    let (folder, path) = filled().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let database = Sqlite::open(&path).await.unwrap();
    database.put(&sample::version_id(2), &sample::sealed(2)).await.unwrap();
    assert!(modes(folder.path()).iter().all(|mode| mode.ends_with(" 600")));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_make_the_database_at_the_same_time() {
    let (folder, path) = place();
    let path: Arc<Path> = path.into();
    let opens = (0..8).map(|number| {
        let path = Arc::clone(&path);
        tokio::spawn(async move {
            let database = Sqlite::open(&path).await.unwrap();
            database
                .put(&sample::version_id(number), &sample::sealed(1))
                .await
                .unwrap();
            database
        })
    });
    let mut open = Vec::new();
    for task in opens.collect::<Vec<_>>() {
        open.push(task.await.unwrap());
    }
    for number in 0..8 {
        assert!(open[0].get(&sample::version_id(number)).await.unwrap().is_some());
    }
    assert!(
        modes(folder.path()).iter().all(|name| name.starts_with("keywheel.db")),
        "no draft is left"
    );
}

#[tokio::test]
async fn destroyed_material_is_not_in_the_file_any_more() {
    let (_folder, path) = filled().await;
    let marked = b"marked-ciphertext-".repeat(40);
    let database = Sqlite::open(&path).await.unwrap();
    let mut sealed = sample::sealed(9);
    sealed.ciphertext.clone_from(&marked);
    database.put(&sample::version_id(9), &sealed).await.unwrap();
    settle(&path).await;
    let is_there = || {
        fs::read(&path)
            .unwrap()
            .windows(marked.len())
            .any(|bytes| bytes == marked)
    };
    assert!(is_there());
    database.destroy(&sample::version_id(9)).await.unwrap();
    settle(&path).await;
    assert!(!is_there());
}
