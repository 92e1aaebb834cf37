//! The way to a cluster: its kubeconfig or service account, one client for all that use it, and a new login where the old one
//! has expired.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use keywheel_domain::ports::Clock;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::config::ClusterConfig;
use crate::error::Failure;

/// The clusters of a configuration: whoever names the same one shares its connections.
#[derive(Debug, Default)]
pub struct Clusters {
    known: Mutex<BTreeMap<ClusterConfig, Arc<Cluster>>>,
}

impl Clusters {
    /// The cluster of that configuration, whose paths count from `base`. Touches nothing yet.
    pub(crate) fn get(&self, config: &ClusterConfig, base: &Path, clock: &Arc<dyn Clock>) -> Arc<Cluster> {
        let config = config.relative_to(base);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = known.entry(config).or_insert_with_key(|config| {
            Arc::new(Cluster {
                config: config.clone(),
                clock: clock.clone(),
                current: tokio::sync::Mutex::default(),
            })
        });
        cluster.clone()
    }
}

/// One cluster.
pub(crate) struct Cluster {
    config: ClusterConfig,
    pub(crate) clock: Arc<dyn Clock>,
    /// Made when it is first needed, so that a command that needs no cluster touches none.
    current: tokio::sync::Mutex<Option<Arc<Link>>>,
}

/// A client, and the namespace that its login is at home in.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Cluster {
    /// The client as it is now.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, Failure> {
        let mut current = self.current.lock().await;
        if let Some(link) = current.as_ref() {
            return Ok(link.clone());
        }
        let link = Arc::new(self.connect().await?);
        *current = Some(link.clone());
        Ok(link)
    }

    /// A client that has read its login anew, after `refused` was turned away.
    pub(crate) async fn renewed(&self, refused: &Arc<Link>) -> Result<Arc<Link>, Failure> {
        let mut current = self.current.lock().await;
        match current.as_ref() {
            // Somebody else was faster.
            Some(link) if !Arc::ptr_eq(link, refused) => Ok(link.clone()),
            _ => {
                let link = Arc::new(self.connect().await?);
                *current = Some(link.clone());
                Ok(link)
            }
        }
    }

    async fn connect(&self) -> Result<Link, Failure> {
        let mut config = self.login().await?;
        // The driver repeats what may be repeated, and by the policy of the credential.
        config.default_retry = false;
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| self.unequipped(&error))?;
        Ok(Link { client, namespace })
    }

    async fn login(&self) -> Result<Config, Failure> {
        let Some(path) = &self.config.kubeconfig else {
            return Config::incluster().map_err(|error| self.unequipped(&error));
        };
        let path = path.clone();
        let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(path)).await;
        let file = read
            .map_err(|error| self.unequipped(&error))?
            .map_err(|error| self.unequipped(&error))?;
        let options = KubeConfigOptions {
            context: self.config.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(file, &options).await;
        config.map_err(|error| self.unequipped(&error))
    }

    /// What cannot be used, and never what is in it: a kubeconfig may hold tokens and keys.
    fn unequipped(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        Failure::Unequipped(match &self.config.kubeconfig {
            Some(path) => {
                let context = self.config.context.as_deref().unwrap_or("the current one");
                format!(
                    "the kubeconfig {} cannot be used with its context ({context}); see whether `kubectl --kubeconfig` can ({})",
                    path.display(),
                    kind_of(error),
                )
            }
            None => "there is no service account here; run Keywheel in a Pod, or name a `kubeconfig`".to_owned(),
        })
    }
}

/// The kinds of the errors of a kubeconfig that can be told apart by their own words, which hold no values.
fn kind_of(error: &(dyn std::error::Error + 'static)) -> &'static str {
    use kube::config::KubeconfigError as E;
    match error.downcast_ref::<E>() {
        Some(E::ReadConfig(..)) => "it cannot be read",
        Some(E::Parse(_)) => "it is no kubeconfig",
        Some(E::CurrentContextNotSet) => "it has no current context",
        Some(E::LoadContext(_)) => "it has no such context",
        Some(E::LoadClusterOfContext(_)) => "the context names a cluster that is not in it",
        _ => "its login or its certificates are wrong",
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.config).finish()
    }
}
