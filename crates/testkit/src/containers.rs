//! Real servers, each in a container of its own that vanishes with the test.
//!
//! [`Postgres`], [`Redis`], [`Prometheus`] and [`Alertmanager`] start within a second, listen on 127.0.0.1 on a port of their own, and keep that port when they
//! are stopped and started again. [`Proxy`] stands in front of one and loses connections or answers.
//!
//! Tests that start one stand in a module named `real`: so `cargo xtask test --no-containers` knows what to leave out, and
//! not too many servers run at once. The images are made by `cargo xtask images`, which `cargo xtask test` does by itself.
//!
//! Containers share the network of this machine where the engine allows that: it saves 0.2 s for each, and the nodes of a
//! cluster reach one another by the addresses that clients use. An engine that runs in a machine of its own, such as Docker
//! Desktop, is asked to publish ports instead: on Linux by the environment variable `KEYWHEEL_TEST_NETWORK=bridge`, elsewhere always.

mod cluster;
mod engine;
mod execute;
mod network;
pub(crate) mod port;
mod postgres;
mod probe;
mod prometheus;
mod redis;
mod server;
mod tls;

pub use crate::proxy::Proxy;
pub use execute::Executed;
pub use postgres::Postgres;
pub use prometheus::{Alertmanager, Prometheus};
pub use redis::Redis;
pub use server::Server;
