#![doc = include_str!("../README.md")]

pub mod config;

mod access;
mod api;
mod cluster;
mod error;
mod marker;
mod secret_store;
mod watch;
mod workload;

pub use cluster::Clusters;
pub use config::{ClusterConfig, RolloutConfig, SecretConfig};
pub use secret_store::KubernetesSecret;
pub use workload::KubernetesWorkload;
