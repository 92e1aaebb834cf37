//! The adapter on a server of the Kubernetes API, over TCP.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contracts;
mod immutable;
mod scene;
mod semantics;
mod store;
mod support;
mod waves;
mod workload;
