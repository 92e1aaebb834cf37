//! PostgreSQL on real servers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod real;
