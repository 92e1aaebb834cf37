#![doc = include_str!("../README.md")]

mod acl;
mod ask;
mod clients;
pub mod config;
mod connection;
mod error;
mod fleet;
pub mod issuer;
mod links;
mod material;
mod node;
mod persist;
mod preflight;
mod proof;
pub mod purge;
mod tls;
mod together;
mod topology;
mod usage;

pub use config::{Address, ConfigError, Mode, RedisConfig, SentinelLogin, Strategy, TlsConfig};
pub use fleet::Fleets;
pub use issuer::RedisIssuer;
pub use material::{PASSWORD, RIGHTS_OF, USERNAME};
pub use purge::{PurgeRequest, Purged, purge_sessions};
