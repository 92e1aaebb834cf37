//! The engine in the simulated company, on the test clock.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adoption;
mod clock;
mod creation;
mod dates;
mod health;
mod landscape;
mod notice;
mod operators;
mod preflight;
mod scheduler;
mod support;
mod unusable;
mod usual;
