//! `[keywheel]`: where Keywheel keeps what it knows.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
#[cfg(feature = "postgres")]
use keywheel_postgres::DatabaseConfig;

use super::document::Section;
use super::error::ConfigError;
#[cfg(feature = "postgres")]
use super::issuer::{Guarded, SecretPlace};
use super::values::SomeTime;

/// The lease of a driver; `keywheel resume` waits that long for one that died.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
const FIELDS: &[&str] = &[
    "state",
    "lease",
    #[cfg(feature = "postgres")]
    "postgres",
];

/// Where the journal, the sealed material and the audit log are.
#[derive(Debug)]
pub(crate) enum StateConfig {
    /// A file, for the processes of one machine.
    File(PathBuf),
    /// A database that processes of many machines share.
    #[cfg(feature = "postgres")]
    Postgres(Guarded<DatabaseConfig>),
}

impl StateConfig {
    /// That there is none yet, for people.
    pub(crate) fn missing(&self) -> String {
        match self {
            Self::File(_) => format!("there is no database at {self} yet"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => format!("there is no journal at {self} yet"),
        }
    }
}

impl fmt::Display for StateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "postgres")]
            Self::Postgres(Guarded { config, .. }) => write!(
                f,
                "{}:{}/{} (schema {})",
                config.host, config.port, config.database, config.schema
            ),
        }
    }
}

/// Reads `[keywheel]`, which need not be there: the database, and the lease of a driver.
pub(super) fn read(section: Option<Section<'_>>, base: &Path) -> Result<(StateConfig, SignedDuration), ConfigError> {
    let default = StateConfig::File(base.join("keywheel.db"));
    let Some(mut section) = section else {
        return Ok((default, LEASE));
    };
    let place = section.place();
    let file = section
        .value::<PathBuf>("state")?
        .map(|path| StateConfig::File(base.join(path)));
    let shared = shared(&mut section, base)?;
    let lease = section.value::<SomeTime>("lease")?.map_or(LEASE, |lease| lease.0);
    section.finish(FIELDS)?;
    match (file, shared) {
        (Some(_), Some(_)) => Err(place.error("there is `state` and `[keywheel.postgres]`; choose one")),
        (one, other) => Ok((one.or(other).unwrap_or(default), lease)),
    }
}

#[cfg(feature = "postgres")]
fn shared(section: &mut Section<'_>, base: &Path) -> Result<Option<StateConfig>, ConfigError> {
    let Some(mut section) = section.section("postgres")? else {
        return Ok(None);
    };
    let password = SecretPlace::take(&mut section, "password", base)?;
    let place = section.place();
    let config: DatabaseConfig = section.read()?;
    config.check().map_err(|error| place.error(error.to_string()))?;
    let config = config.relative_to(base);
    Ok(Some(StateConfig::Postgres(Guarded { config, password })))
}

#[cfg(not(feature = "postgres"))]
fn shared(_section: &mut Section<'_>, _base: &Path) -> Result<Option<StateConfig>, ConfigError> {
    Ok(None)
}
