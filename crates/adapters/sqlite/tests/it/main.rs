//! SQLite on real files: the contract suites, processes that race and die, and files that are not what they should be.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod crash;
mod files;
mod race;
