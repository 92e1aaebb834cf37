#![doc = include_str!("../README.md")]

mod audit_log;
mod config;
mod error;
mod file;
mod journal;
mod material_store;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keywheel_domain::ports::PortError;
use sqlx::{ConnectOptions, SqlitePool};

use writer::Writer;

/// One database file, open: the journal, the material store and the audit log.
///
/// All writes of a process go through one connection, which commits those that wait together; reads have connections of their own
/// and never wait for a write. Any number of processes may open the same file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    writer: Writer,
    readers: SqlitePool,
}

impl Sqlite {
    /// Opens the database at `path`, and makes it first where there is none. The folder has to exist. Must be called within a tokio
    /// runtime, and is of use as long as that runs.
    ///
    /// A new file appears complete or not at all. It and its companions (`-wal`, `-shm`) have mode 0600; one that others could read
    /// is closed to them.
    ///
    /// # Errors
    /// `Storage` with the place and the fix: the folder is missing or read-only, the path is a folder, the file is no database of
    /// Keywheel's, is damaged, or was written by a newer version, which is refused before anything is changed. `Unavailable`
    /// where another process keeps it locked for too long.
    pub async fn open(path: &Path) -> Result<Arc<Self>, PortError> {
        let path = file::absolute(path)?;
        if !file::exists(&path)? {
            schema::create(&path).await?;
        }
        Self::connect(path).await
    }

    /// The same, but never makes one.
    ///
    /// # Errors
    /// `NotFound` where there is none, and those of [`Sqlite::open`].
    pub async fn open_existing(path: &Path) -> Result<Arc<Self>, PortError> {
        let path = file::absolute(path)?;
        if !file::exists(&path)? {
            return Err(error::missing(&path));
        }
        Self::connect(path).await
    }

    async fn connect(path: PathBuf) -> Result<Arc<Self>, PortError> {
        schema::inspect(&path).await?;
        file::close_to_others(&path)?;
        let mut connection = config::writer(&path)
            .connect()
            .await
            .map_err(|error| error::storage(&path, error))?;
        schema::migrate(&mut connection)
            .await
            .map_err(|error| error::storage(&path, error))?;
        Ok(Arc::new(Self {
            writer: Writer::start(connection, path.clone()),
            readers: config::readers(&path),
            path,
        }))
    }
}
