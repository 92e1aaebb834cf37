//! The key ring against the contract that every issuer keeps.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
