#![doc = include_str!("../README.md")]

pub mod config;

mod access;
mod api;
mod cluster;
mod error;
mod marker;
mod secret_store;

pub use cluster::Clusters;
pub use config::{ClusterConfig, SecretConfig};
pub use secret_store::KubernetesSecret;
