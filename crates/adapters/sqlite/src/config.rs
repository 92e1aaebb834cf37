//! How connections are opened. There is nothing to configure but the path: every other choice would trade away durability.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

/// How long a write waits for another process before it fails as `Unavailable`. Transactions take milliseconds, so that a lock that
/// is held for longer is a process that hangs.
const BUSY: Duration = Duration::from_secs(5);

/// Reads that may run beside each other.
const READERS: u32 = 4;

/// A connection that writes: every commit is synced before it returns.
pub(crate) fn writer(path: &Path) -> SqliteConnectOptions {
    base(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Destroyed material is overwritten with zeros, not only unlinked.
        .pragma("secure_delete", "ON")
        // On macOS a sync alone leaves the data in the drive's cache. Without effect elsewhere.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
}

/// A connection that can change nothing, not even the way the file is kept.
pub(crate) fn reader(path: &Path) -> SqliteConnectOptions {
    base(path).read_only(true)
}

/// Connections for reading, opened when they are needed.
pub(crate) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(reader(path))
}

fn base(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}
