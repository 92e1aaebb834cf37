//! The one map from the errors of SQLite and of the file system to those of the ports.

use std::io;
use std::path::Path;
use std::sync::Arc;

use keywheel_domain::ports::{ErrorKind, JournalError, PortError};

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The journal says no. Nothing was written.
    Refused(JournalError),
    /// The storage failed, and with it the transaction.
    Storage(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Refused(error)
    }
}

/// A request that contradicts itself: a defect of the caller.
pub(crate) fn invalid(message: &str) -> JournalError {
    PortError::permanent(ErrorKind::Invalid, message).into()
}

/// There is no database.
pub(crate) fn missing(path: &Path) -> PortError {
    let message = format!(
        "there is no database at {}; make one with `keywheel init`, or correct the path",
        path.display()
    );
    PortError::permanent(ErrorKind::NotFound, message)
}

/// A stored record that cannot be read: damaged, or written by a newer build.
pub(crate) fn unreadable(
    path: &Path,
    what: &str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> PortError {
    let message = format!(
        "{what} in {} cannot be read; if it is damaged, keep a copy of the file and restore the last backup",
        path.display()
    );
    PortError::permanent(ErrorKind::Storage, message).caused_by(cause)
}

/// What a failed operation on the file itself means.
pub(crate) fn file(path: &Path, error: io::Error) -> PortError {
    let place = path.display();
    let message = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!(
                "{place} cannot be written; make it writable for the user that runs Keywheel, or choose another path"
            )
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(path),
        io::ErrorKind::NotFound => format!("{place} does not exist; create it, or choose another path"),
        io::ErrorKind::NotADirectory => {
            format!("a part of {place} is a file where a folder should be; correct the path")
        }
        _ => format!("{place} cannot be used for the database; look at the cause, or choose another path"),
    };
    PortError::permanent(ErrorKind::Storage, message).caused_by(error)
}

/// What an error of SQLite means. The primary result codes are those of <https://www.sqlite.org/rescode.html>.
pub(crate) fn storage(path: &Path, error: impl Into<Arc<sqlx::Error>>) -> PortError {
    let error = error.into();
    let place = path.display();
    let (kind, message) = match primary_code(&error) {
        Some(BUSY | LOCKED) => (
            ErrorKind::Unavailable,
            format!(
                "another process keeps {place} locked; if it stays so, look for one that hangs with `fuser {place}`"
            ),
        ),
        Some(READONLY | PERM | CANTOPEN) => (
            ErrorKind::Storage,
            format!(
                "{place} cannot be written; make the file, its -wal and -shm and their folder writable for the user that runs Keywheel"
            ),
        ),
        Some(IOERR) => (
            ErrorKind::Storage,
            format!("the disk under {place} failed; look at the system's log before you start Keywheel again"),
        ),
        Some(CORRUPT) => (
            ErrorKind::Storage,
            format!(
                "{place} is damaged; stop Keywheel, keep a copy of the file, then restore the last backup or try `sqlite3 {place} .recover`"
            ),
        ),
        Some(NOTADB) => (ErrorKind::Storage, foreign(path)),
        Some(FULL) => (ErrorKind::Storage, full(path)),
        _ => match &*error {
            sqlx::Error::PoolTimedOut => (ErrorKind::Unavailable, format!("all readers of {place} are busy")),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => return unreadable(path, "a row", error),
            _ => (
                ErrorKind::Internal,
                format!("{place} failed in a way that nobody foresaw; please report it"),
            ),
        },
    };
    let mapped = match kind {
        ErrorKind::Unavailable => PortError::transient(kind, message),
        _ => PortError::permanent(kind, message),
    };
    mapped.caused_by(error)
}

/// It is a file, but not ours.
pub(crate) fn foreign(path: &Path) -> String {
    format!(
        "{} is not a database of Keywheel; move it away, or choose another path",
        path.display()
    )
}

fn full(path: &Path) -> String {
    format!(
        "the disk of {} is full; make room on it, then try again",
        path.display()
    )
}

/// Whether the outcome of a `COMMIT` that failed so is unknown. One that found no lock or no room did not happen; after one
/// that failed to sync, the transaction may or may not be there when the file is opened the next time.
pub(crate) fn leaves_commit_unknown(error: &sqlx::Error) -> bool {
    !matches!(primary_code(error), Some(BUSY | LOCKED | FULL | READONLY))
}

const PERM: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;

/// The lower byte of the extended result code.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|extended| extended & 0xff)
}
