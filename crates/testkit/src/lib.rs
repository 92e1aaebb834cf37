//! The simulated company, and everything else that tests share.
//!
//! - [`clock`] and [`executor`]: time that passes when everybody waits, so that a rotation of two weeks takes a millisecond;
//! - [`world`]: issuers, stores, workloads of several instances, verifiers and live tokens, in memory, with clients that
//!   authenticate all the time and at the worst moments;
//! - [`contract`]: what every implementation of a port has to keep; [`sample`]: valid entries for whoever has to store some;
//! - [`fake`]: every port on that world; [`fault`]: every port with faults in front of it;
//! - [`invariants`]: what must be true of every run, whatever went wrong on its way;
//! - [`leak`]: canary secrets, and the search for them;
//! - [`process`]: a test's binary again, as another process that can be killed;
//! - [`strategies`]: policies, shapes and triggers for property tests;
//! - `containers`, by the feature of that name: real servers, and a proxy that loses connections and answers;
//! - `kubernetes`, by the feature of that name: a server of the Kubernetes API, and what goes wrong with it.

pub mod clock;
#[cfg(feature = "containers")]
pub mod containers;
pub mod contract;
pub mod executor;
pub mod fake;
pub mod fault;
pub mod invariants;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod leak;
pub mod process;
#[cfg(feature = "containers")]
mod proxy;
pub mod rig;
pub mod sample;
pub mod strategies;
pub mod world;
