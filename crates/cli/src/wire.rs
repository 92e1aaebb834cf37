//! The only place that constructs adapters: from the configuration to a [`Keywheel`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_app::{AppError, Keywheel, Observer, Ports, Wiring};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId};
use keywheel_domain::ports::{
    Archive, Clock, Entropy, ErrorKind, HealthProbe, JournalError, KeyProvider, PortError, SecretStore, Workload,
};
use keywheel_jwt::KeyRingIssuer;
use keywheel_local::config::KeyConfig;
use keywheel_local::{
    FileStore, FolderArchive, LocalKeys, LocalWorkload, OsEntropy, Surroundings, SystemClock, health_probe,
};
use keywheel_sqlite::Sqlite;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::config::{Config, CredentialConfig};
use crate::exit::{Exit, Problem};
use crate::{output, surroundings};

/// Which credentials a command needs. Those that it does not need cannot stop it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    All,
    Only(&'a CredentialName),
}

/// What happens where there is no database yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is made.
    Make,
    /// Nothing is adopted then, and nothing is made. People are told.
    Look,
    /// The same, and nobody is told.
    Try,
}

/// Everything that a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) keywheel: Keywheel,
    pub(crate) ports: Ports,
    pub(crate) driver: DriverId,
    key_rings: BTreeMap<CredentialName, KeyRingIssuer>,
    /// The empty database that stands in for the one that is not there.
    _stand_in: Option<TempDir>,
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
    let (sqlite, stand_in) = open_state(&config.state, state).await?;
    let ports = ports(&config, sqlite);
    let driver = driver_id(ports.clock.now())?;
    let mut builder = Keywheel::builder(ports.clone(), driver.clone())
        .observer(observer)
        .lease(config.lease);
    let mut key_rings = BTreeMap::new();
    for credential in config
        .credentials
        .iter()
        .filter(|credential| which.needs(&credential.name))
    {
        let (wiring, key_ring) = wiring(credential, &config, &ports.clock)?;
        key_rings.insert(credential.name.clone(), key_ring);
        builder = builder.credential(credential.name.clone(), wiring);
    }
    Ok(Session {
        keywheel: builder.build(),
        config,
        ports,
        driver,
        key_rings,
        _stand_in: stand_in,
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

/// Opens the database of a configuration, and nothing else.
pub(crate) async fn open_state(path: &Path, state: State) -> anyhow::Result<(Arc<Sqlite>, Option<TempDir>)> {
    if state == State::Make {
        return Ok((Sqlite::open(path).await?, None));
    }
    match Sqlite::open_existing(path).await {
        Ok(sqlite) => Ok((sqlite, None)),
        Err(error) if error.kind == ErrorKind::NotFound => {
            if state == State::Look {
                let path = path.display();
                output::warn(format!(
                    "there is no database at {path} yet; the first `keywheel adopt` makes it"
                ));
            }
            let folder = tempfile::tempdir().context("no temporary folder could be made")?;
            let sqlite = Sqlite::open(&folder.path().join("empty.db")).await?;
            Ok((sqlite, Some(folder)))
        }
        Err(error) => Err(error.into()),
    }
}

fn ports(config: &Config, sqlite: Arc<Sqlite>) -> Ports {
    Ports {
        journal: sqlite.clone(),
        materials: sqlite.clone(),
        audit: sqlite,
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

fn wiring(
    credential: &CredentialConfig,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Wiring, KeyRingIssuer)> {
    let around = Surroundings {
        base: config.base.clone(),
        clock: clock.clone(),
    };
    let wrong = |what: &str, error: String| {
        Problem::new(
            Exit::Config,
            format!("{}: {what} of {}: {error}", config.path.display(), credential.name),
        )
    };
    let issuer = KeyRingIssuer::new(credential.issuer.clone(), clock.clone());
    let issuer = issuer.map_err(|error| wrong("the issuer", error.to_string()))?;
    let mut wiring = Wiring {
        kind: credential.kind.clone(),
        policy: credential.policy.clone(),
        issuer: Arc::new(issuer.clone()),
        stores: Vec::new(),
        workloads: Vec::new(),
        probes: Vec::new(),
        notifiers: Vec::new(),
        archive: credential
            .archive
            .as_ref()
            .map(|archive| Arc::new(FolderArchive::new(archive, &around)) as Arc<dyn Archive>),
    };
    for store in &credential.stores {
        let store = FileStore::new(store, &around).map_err(|error| wrong("a store", error.chain()))?;
        wiring.stores.push(Arc::new(store) as Arc<dyn SecretStore>);
    }
    for workload in &credential.workloads {
        let workload = LocalWorkload::new(workload, &around).map_err(|error| wrong("a workload", error.chain()))?;
        wiring.workloads.push(Arc::new(workload) as Arc<dyn Workload>);
    }
    for probe in &credential.probes {
        let probe: Arc<dyn HealthProbe> =
            health_probe(probe, &around).map_err(|error| wrong("a probe", error.chain()))?;
        wiring.probes.push(probe);
    }
    Ok((wiring, issuer))
}

/// Makes the key file of a new configuration, and returns the key's id.
pub(crate) fn create_key_file(path: &Path) -> Result<String, PortError> {
    keywheel_local::create_key_file(path, &OsEntropy)
}

/// Reads the sealing key when it is needed: what only looks at the journal works without the right to read the key, and
/// `doctor` finds a key that cannot be read instead of failing on it.
#[derive(Debug)]
struct KeyOnDemand {
    config: KeyConfig,
    base: PathBuf,
}

impl KeyOnDemand {
    fn load(&self) -> Result<LocalKeys, PortError> {
        LocalKeys::load(&self.config, &self.base, &surroundings::variable)
    }
}

#[async_trait]
impl KeyProvider for KeyOnDemand {
    async fn key_id(&self) -> Result<String, PortError> {
        self.load()?.key_id().await
    }

    async fn wrap(&self, data_key: &[u8], context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, PortError> {
        self.load()?.wrap(data_key, context, entropy).await
    }

    async fn unwrap(&self, key_id: &str, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, PortError> {
        self.load()?.unwrap(key_id, wrapped, context).await
    }
}
