//! Every port in memory: stateful fakes on the simulated [`World`](crate::world::World). They pass the same contract suites as
//! the real adapters.

pub mod archive;
pub mod audit_log;
#[cfg(test)]
pub(crate) mod contracts;
pub mod entropy;
pub mod health_probe;
pub mod issuer;
pub mod journal;
pub mod key_provider;
pub mod material_store;
pub mod notifier;
pub mod secret_source;
pub mod secret_store;
mod usage;
pub mod workload;
