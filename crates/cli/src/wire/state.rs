//! Where the journal, the sealed material and the audit log are.

use std::sync::Arc;

use anyhow::Context as _;
#[cfg(feature = "postgres")]
use keywheel_domain::ports::PortError;
use keywheel_domain::ports::{AuditLog, ErrorKind, Finding, Journal, MaterialStore};
#[cfg(feature = "postgres")]
use keywheel_postgres::{Database, DatabaseConfig};
use keywheel_sqlite::Sqlite;
use tempfile::TempDir;

#[cfg(feature = "postgres")]
use crate::config::Guarded;
use crate::config::StateConfig;
use crate::exit::{Exit, Problem};
use crate::output;

/// What happens where there is no database yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is made.
    Make,
    /// Nothing is adopted then, and nothing is made. People are told.
    Look,
    /// The same, and nobody is told.
    Try,
    /// That is an error: there would be nothing to do, and nobody would notice when there is.
    Need,
}

/// One database behind three ports.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) materials: Arc<dyn MaterialStore>,
    pub(crate) audit: Arc<dyn AuditLog>,
    /// The empty database that stands in for the one that is not there.
    _stand_in: Option<Arc<TempDir>>,
}

impl Storage {
    fn of<T: Journal + MaterialStore + AuditLog + 'static>(database: Arc<T>) -> Self {
        Self {
            journal: database.clone(),
            materials: database.clone(),
            audit: database,
            _stand_in: None,
        }
    }
}

/// Opens the database of a configuration, and nothing else.
pub(crate) async fn open_state(config: &StateConfig, state: State) -> anyhow::Result<Storage> {
    let make = state == State::Make;
    let opened = match config {
        StateConfig::File(path) if make => Sqlite::open(path).await.map(Storage::of),
        StateConfig::File(path) => Sqlite::open_existing(path).await.map(Storage::of),
        #[cfg(feature = "postgres")]
        StateConfig::Postgres(guarded) => open_shared(guarded, make).await,
    };
    match opened {
        Ok(storage) => Ok(storage),
        Err(error) if error.kind == ErrorKind::NotFound && !make => stand_in(config, state).await,
        Err(error) => Err(error.into()),
    }
}

#[cfg(feature = "postgres")]
async fn open_shared(guarded: &Guarded<DatabaseConfig>, make: bool) -> Result<Storage, PortError> {
    let password = super::secrets::secret_source(guarded.password.as_ref());
    let opened = if make {
        Database::open(&guarded.config, password).await
    } else {
        Database::open_existing(&guarded.config, password).await
    };
    opened.map(Storage::of)
}

/// What somebody should know about a journal that is a server's. Nothing is known to be wrong with a file.
pub(crate) async fn examine_state(config: &StateConfig) -> Vec<Finding> {
    match config {
        StateConfig::File(_) => Vec::new(),
        #[cfg(feature = "postgres")]
        StateConfig::Postgres(guarded) => match findings(guarded).await {
            Ok(found) if found.is_empty() => vec![Finding::fine("journal", format!("is at {config}"))],
            Ok(found) => found,
            Err(error) if error.kind == ErrorKind::NotFound => {
                let fix = "adopt something: the first `keywheel adopt` makes it";
                vec![Finding::warning("journal", config.missing(), fix)]
            }
            Err(error) => vec![Finding::failure(
                "journal",
                &error,
                "mend that, then run `keywheel doctor` again",
            )],
        },
    }
}

#[cfg(feature = "postgres")]
async fn findings(guarded: &Guarded<DatabaseConfig>) -> Result<Vec<Finding>, PortError> {
    let password = super::secrets::secret_source(guarded.password.as_ref());
    let database = Database::open_existing(&guarded.config, password).await?;
    database.findings().await
}

/// Nothing is adopted where there is no database, and looking at that makes none.
async fn stand_in(config: &StateConfig, state: State) -> anyhow::Result<Storage> {
    let missing = config.missing();
    match state {
        State::Look => output::warn(format!("{missing}; the first `keywheel adopt` makes it")),
        State::Need => {
            let message = format!("{missing}; adopt something first with `keywheel adopt`");
            return Err(Problem::new(Exit::NotFound, message).into());
        }
        State::Make | State::Try => {}
    }
    let (sqlite, folder) = empty().await.with_context(|| {
        let place = std::env::temp_dir();
        format!(
            "the empty database that stands in for the missing one cannot be made in {}; make room there, or name another folder in TMPDIR",
            place.display()
        )
    })?;
    Ok(Storage {
        _stand_in: Some(Arc::new(folder)),
        ..Storage::of(sqlite)
    })
}

async fn empty() -> anyhow::Result<(Arc<Sqlite>, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let sqlite = Sqlite::open(&folder.path().join("empty.db")).await?;
    Ok((sqlite, folder))
}
