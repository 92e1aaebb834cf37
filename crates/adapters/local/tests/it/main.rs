//! The adapter as its users see it: real files, real processes, real requests, in temporary folders.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod archive;
mod config;
mod contracts;
mod keys;
mod leaks;
mod presets;
mod secrets;
mod store;
mod store_faults;
mod store_readers;
mod support;
mod workload;

#[cfg(feature = "http")]
mod http;
