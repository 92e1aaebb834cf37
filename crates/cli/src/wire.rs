//! The only place that constructs adapters: from the configuration to a [`Keywheel`].

mod backends;
mod keys;
#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
mod secrets;
#[cfg(feature = "redis")]
mod sessions;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use keywheel_app::{AppError, Keywheel, Observer, Ports, Unusable};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId};
use keywheel_domain::ports::{Clock, JournalError};
use keywheel_jwt::KeyRingIssuer;
use keywheel_local::{OsEntropy, SystemClock};

use crate::config::{Config, CredentialConfig};
use crate::surroundings;
use backends::Backends;
use keys::KeyOnDemand;

pub(crate) use keys::create_key_file;
#[cfg(feature = "redis")]
pub(crate) use sessions::Sessions;
pub(crate) use state::{State, Storage, examine_state, open_state};

/// Which credentials a command needs. Those that it does not need cannot stop it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    /// Each for itself: one whose backends cannot be built does not stop the others.
    All,
    Only(&'a CredentialName),
}

/// Everything that a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) keywheel: Keywheel,
    pub(crate) ports: Ports,
    pub(crate) driver: DriverId,
    key_rings: BTreeMap<CredentialName, KeyRingIssuer>,
    _storage: Storage,
}

impl Session {
    /// The credential as the inventory knows it.
    pub(crate) async fn credential(&self, name: &CredentialName) -> Result<Credential, AppError> {
        self.keywheel.wiring(name)?;
        let known = self.ports.journal.credential(name).await?;
        known.ok_or_else(|| AppError::NotAdopted(name.clone()))
    }

    /// The same, where no rotation of it is running.
    pub(crate) async fn idle(&self, name: &CredentialName) -> Result<Credential, AppError> {
        let credential = self.credential(name).await?;
        match credential.active {
            Some(active) => Err(JournalError::Active(active).into()),
            None => Ok(credential),
        }
    }

    /// What reads existing keys of the credential.
    pub(crate) fn key_ring(&self, name: &CredentialName) -> Result<&KeyRingIssuer, AppError> {
        self.key_rings
            .get(name)
            .ok_or_else(|| AppError::UnknownCredential(name.clone()))
    }
}

/// Opens the database and builds the adapters of the credentials that are needed.
pub(crate) async fn open(
    config: Config,
    which: Which<'_>,
    state: State,
    observer: Arc<dyn Observer>,
) -> anyhow::Result<Session> {
    let storage = open_state(&config.state, state).await?;
    let ports = ports(&config, &storage);
    let driver = driver_id(ports.clock.now())?;
    let mut builder = Keywheel::builder(ports.clone(), driver.clone())
        .observer(observer)
        .lease(config.lease);
    let backends = Backends::new(&config, &ports);
    let mut key_rings = BTreeMap::new();
    for credential in config
        .credentials
        .iter()
        .filter(|credential| which.needs(&credential.name))
    {
        let name = credential.name.clone();
        match (backends.wire(credential), which) {
            (Ok((wiring, key_ring)), _) => {
                key_rings.extend(key_ring.map(|key_ring| (name.clone(), key_ring)));
                builder = builder.credential(name, wiring);
            }
            (Err(error), Which::All) => builder = builder.unusable(name, unusable(credential, &error)),
            (Err(error), Which::Only(_)) => return Err(error),
        }
    }
    Ok(Session {
        keywheel: builder.build(),
        config,
        ports,
        driver,
        key_rings,
        _storage: storage,
    })
}

impl Which<'_> {
    fn needs(self, name: &CredentialName) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == name,
        }
    }
}

fn ports(config: &Config, storage: &Storage) -> Ports {
    Ports {
        journal: storage.journal.clone(),
        materials: storage.materials.clone(),
        audit: storage.audit.clone(),
        keys: Arc::new(KeyOnDemand {
            config: config.key.clone(),
            base: config.base.clone(),
        }),
        clock: clock(),
        entropy: Arc::new(OsEntropy),
    }
}

/// The system's clock.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// Unique among all processes that share the journal, also where process numbers come again: the moment stands for a random
/// number, because the first one costs more time than all that `keywheel list` does.
fn driver_id(now: Timestamp) -> anyhow::Result<DriverId> {
    let (host, process) = (surroundings::host(), std::process::id());
    Ok(format!("{host}-{process}-{:x}", now.as_nanosecond()).parse()?)
}

fn unusable(credential: &CredentialConfig, error: &anyhow::Error) -> Unusable {
    Unusable {
        kind: credential.kind.clone(),
        period: credential.policy.period,
        problem: error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "),
    }
}
