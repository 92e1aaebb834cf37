#![doc = include_str!("../README.md")]

pub mod config;

mod archive;
mod clock;
mod command;
mod content;
mod entropy;
mod error;
mod files;
mod health_probe;
#[cfg(feature = "http")]
mod http;
mod key_provider;
mod private;
mod redact;
mod secret_source;
mod secret_store;
mod shred;
mod workload;

pub use archive::FolderArchive;
pub use clock::SystemClock;
pub use config::Surroundings;
pub use entropy::OsEntropy;
pub use health_probe::health_probe;
pub use key_provider::{LocalKeys, ReadVariable, create_key_file};
pub use secret_source::{SecretFile, SecretVariable};
pub use secret_store::FileStore;
pub use workload::LocalWorkload;
