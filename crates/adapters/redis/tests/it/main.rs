//! Real Redis servers: every strategy under clients, every kind of deployment, and servers that do not do as they are told.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod real;
