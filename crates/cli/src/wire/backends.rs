//! The backends of each credential.

use std::path::PathBuf;
use std::sync::Arc;

use keywheel_app::{Ports, Wiring};
use keywheel_domain::ports::{Archive, HealthProbe, Issuer, PortError, SecretStore, Workload};
use keywheel_jwt::KeyRingIssuer;
use keywheel_local::{FileStore, FolderArchive, LocalWorkload, Surroundings, health_probe};

#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
use crate::config::Guarded;
use crate::config::{Config, ConsumerConfig, CredentialConfig, IssuerConfig, ProbeConfig, StoreConfig};
use crate::exit::{Exit, Problem};
#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
use crate::wire::secrets::secret_source;

/// What all backends have in common; credentials of the same servers share their connections.
#[derive(Debug)]
pub(super) struct Backends {
    around: Surroundings,
    file: PathBuf,
    #[cfg(feature = "postgres")]
    entropy: Arc<dyn keywheel_domain::ports::Entropy>,
    #[cfg(feature = "postgres")]
    admins: std::sync::Mutex<std::collections::BTreeMap<keywheel_postgres::AdminConfig, Arc<keywheel_postgres::Admin>>>,
    #[cfg(feature = "redis")]
    fleets: keywheel_redis::Fleets,
    #[cfg(feature = "kubernetes")]
    clusters: keywheel_kubernetes::Clusters,
}

/// An issuer, the place that it shares with others, and what reads existing keys.
struct Accepting {
    issuer: Arc<dyn Issuer>,
    bulkhead: Option<String>,
    key_ring: Option<KeyRingIssuer>,
}

impl Backends {
    pub(super) fn new(config: &Config, ports: &Ports) -> Self {
        Self {
            around: Surroundings {
                base: config.base.clone(),
                clock: ports.clock.clone(),
            },
            file: config.path.clone(),
            #[cfg(feature = "postgres")]
            entropy: ports.entropy.clone(),
            #[cfg(feature = "postgres")]
            admins: Default::default(),
            #[cfg(feature = "redis")]
            fleets: Default::default(),
            #[cfg(feature = "kubernetes")]
            clusters: Default::default(),
        }
    }

    /// The backends of a credential, and for a signing key what reads existing ones.
    pub(super) fn wire(&self, credential: &CredentialConfig) -> anyhow::Result<(Wiring, Option<KeyRingIssuer>)> {
        let wrong = |what: &str, error: String| {
            Problem::new(
                Exit::Config,
                format!("{}: {what} of {}: {error}", self.file.display(), credential.name),
            )
        };
        let around = &self.around;
        let accepting = self
            .issuer(&credential.issuer)
            .map_err(|error| wrong("the issuer", error))?;
        let mut wiring = Wiring {
            bulkhead: accepting.bulkhead,
            ..Wiring::new(&credential.kind, credential.policy.clone(), accepting.issuer)
        };
        wiring.archive = credential
            .archive
            .as_ref()
            .map(|archive| Arc::new(FolderArchive::new(archive, around)) as Arc<dyn Archive>);
        for store in &credential.stores {
            let store = self.store(store).map_err(|error| wrong("a store", error.chain()))?;
            wiring.stores.push(store);
        }
        for workload in &credential.workloads {
            let workload = self
                .workload(workload)
                .map_err(|error| wrong("a workload", error.chain()))?;
            wiring.workloads.push(workload);
        }
        for probe in &credential.probes {
            let probe = self.probe(probe).map_err(|error| wrong("a probe", error.chain()))?;
            wiring.probes.push(probe);
        }
        Ok((wiring, accepting.key_ring))
    }

    fn store(&self, config: &StoreConfig) -> Result<Arc<dyn SecretStore>, PortError> {
        let around = &self.around;
        match config {
            StoreConfig::Files(config) => Ok(Arc::new(FileStore::new(config, around)?)),
            #[cfg(feature = "kubernetes")]
            StoreConfig::Kubernetes(config) => {
                let (base, clock) = (&around.base, &around.clock);
                let secret = keywheel_kubernetes::KubernetesSecret::new(config, base, clock, &self.clusters)?;
                Ok(Arc::new(secret))
            }
        }
    }

    fn workload(&self, config: &ConsumerConfig) -> Result<Arc<dyn Workload>, PortError> {
        let around = &self.around;
        match config {
            ConsumerConfig::Local(config) => Ok(Arc::new(LocalWorkload::new(config, around)?)),
            #[cfg(feature = "kubernetes")]
            ConsumerConfig::Kubernetes(config) => {
                let (base, clock) = (&around.base, &around.clock);
                let workload = keywheel_kubernetes::KubernetesWorkload::new(config, base, clock, &self.clusters)?;
                Ok(Arc::new(workload))
            }
        }
    }

    fn probe(&self, config: &ProbeConfig) -> Result<Arc<dyn HealthProbe>, PortError> {
        Ok(match config {
            ProbeConfig::Local(config) => health_probe(config, &self.around)?,
            #[cfg(feature = "prometheus")]
            ProbeConfig::Query(Guarded { config, password }) => {
                let token = secret_source(password.as_ref());
                let clock = self.around.clock.clone();
                Arc::new(keywheel_prometheus::QueryProbe::new(config.clone(), token, clock)?)
            }
            #[cfg(feature = "prometheus")]
            ProbeConfig::Alerts(Guarded { config, password }) => {
                let token = secret_source(password.as_ref());
                let clock = self.around.clock.clone();
                Arc::new(keywheel_prometheus::AlertProbe::new(config.clone(), token, clock)?)
            }
        })
    }

    fn issuer(&self, config: &IssuerConfig) -> Result<Accepting, String> {
        match config {
            IssuerConfig::KeyRing(config) => {
                let issuer = KeyRingIssuer::new(config.clone(), self.around.clock.clone());
                let issuer = issuer.map_err(|error| error.to_string())?;
                Ok(Accepting {
                    issuer: Arc::new(issuer.clone()),
                    bulkhead: None,
                    key_ring: Some(issuer),
                })
            }
            #[cfg(feature = "postgres")]
            IssuerConfig::Postgres(guarded) => self.postgres(guarded),
            #[cfg(feature = "redis")]
            IssuerConfig::Redis(guarded) => self.redis(guarded),
        }
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, guarded: &Guarded<keywheel_postgres::PostgresConfig>) -> Result<Accepting, String> {
        let Guarded { config, password } = guarded;
        let mut admins = self.admins.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let admin = match admins.get(&config.admin) {
            Some(admin) => admin.clone(),
            None => {
                let password = secret_source(password.as_ref());
                let admin = keywheel_postgres::Admin::new(&config.admin, password, self.around.clock.clone());
                let admin = admin.map_err(|error| error.to_string())?;
                admins.insert(config.admin.clone(), admin.clone());
                admin
            }
        };
        let issuer = keywheel_postgres::PostgresIssuer::new(config.clone(), admin, self.entropy.clone());
        Ok(Accepting {
            issuer: Arc::new(issuer.map_err(|error| error.to_string())?),
            bulkhead: Some(format!("postgres {}:{}", config.admin.host, config.admin.port)),
            key_ring: None,
        })
    }

    #[cfg(feature = "redis")]
    fn redis(&self, guarded: &Guarded<keywheel_redis::RedisConfig>) -> Result<Accepting, String> {
        let Guarded { config, password } = guarded;
        let place = config.nodes.first().map(|node| format!("redis {node}"));
        let password = secret_source(password.as_ref());
        let issuer = keywheel_redis::RedisIssuer::new(config.clone(), password, &self.around.clock, &self.fleets);
        Ok(Accepting {
            issuer: Arc::new(issuer.map_err(|error| error.to_string())?),
            bulkhead: place,
            key_ring: None,
        })
    }
}
