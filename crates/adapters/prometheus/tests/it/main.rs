//! The guards, against a real Prometheus and a real Alertmanager.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod config;
mod real;
