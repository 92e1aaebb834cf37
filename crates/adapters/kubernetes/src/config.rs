//! The sections of `keywheel.toml` that this adapter reads. Unknown fields are refused, and relative paths count from the folder
//! of the configuration file.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How the API of a cluster is reached. Without a kubeconfig: as the service account of the Pod that Keywheel runs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// A kubeconfig, with any login that it may name: certificates, tokens, files of tokens, exec plugins.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; its current one where none is named.
    pub context: Option<String>,
}

/// A Secret that consumers read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretConfig {
    /// The store's name for people; namespace and Secret where it has none.
    pub name: Option<String>,
    /// The cluster.
    #[serde(default)]
    pub cluster: ClusterConfig,
    /// The namespace; the context's or the service account's where none is named.
    pub namespace: Option<String>,
    /// The Secret's name.
    pub secret_name: String,
    /// Whether every delivery is a new Secret that never changes. Its name is `secret_name` with `-r` and the revision, and the Secret of
    /// the plain name says which is shown.
    #[serde(default)]
    pub immutable: bool,
    /// The type of a Secret that is created; `Opaque` where none is named.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// What is written.
    #[serde(rename = "key")]
    pub keys: Vec<KeyEntry>,
    /// Whether keys that another field manager owns are taken over. Without it: in an adoption only.
    pub replace_existing: Option<bool>,
}

/// One key of a Secret's `data`, or one for every accepted version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The key. With `each` it is a template, such as `public_{{ version.number }}.pem`.
    pub name: String,
    /// What to write.
    pub template: String,
    /// Writes the key once for every accepted version, which the template knows as `version`.
    pub each: Option<Each>,
}

/// For what a key is written once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Every version that the view accepts.
    Accepted,
}

/// Deployments, StatefulSets and DaemonSets that read a Secret when their containers start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutConfig {
    /// The workload's name for people.
    pub name: String,
    /// The cluster.
    #[serde(default)]
    pub cluster: ClusterConfig,
    /// The namespace; the context's or the service account's where none is named.
    pub namespace: Option<String>,
    /// The Secret that they read, as the store names it.
    pub secret_name: String,
    /// Deployments, by name.
    #[serde(default)]
    pub deployments: Vec<String>,
    /// StatefulSets, by name.
    #[serde(default)]
    pub stateful_sets: Vec<String>,
    /// DaemonSets, by name.
    #[serde(default)]
    pub daemon_sets: Vec<String>,
    /// A label selector: everything of the three kinds that has these labels, beside what is named.
    pub selector: Option<String>,
    /// The names of those that restart first, and alone.
    #[serde(default)]
    pub canaries: Vec<String>,
    /// How many restart at a time.
    #[serde(default = "five")]
    pub parallel: NonZeroUsize,
}

impl ClusterConfig {
    /// The same with a whole path.
    #[must_use]
    pub fn relative_to(&self, base: &Path) -> Self {
        Self {
            kubeconfig: self.kubeconfig.as_ref().map(|path| base.join(path)),
            context: self.context.clone(),
        }
    }
}

fn five() -> NonZeroUsize {
    const { NonZeroUsize::new(5).unwrap() }
}
