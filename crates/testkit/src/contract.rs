//! One contract suite for each port: its fake and every real adapter pass the same one.

pub mod alarm;
pub mod archive;
pub mod audit_log;
pub mod clock;
pub mod entropy;
pub mod health_probe;
pub mod issuer;
pub mod journal;
pub mod key_provider;
pub mod material_store;
pub mod notifier;
pub mod secret_source;
pub mod secret_store;
pub mod workload;
