//! The rules of the whole, as properties and as searches.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod leaks;
mod machine;
mod model;
mod order_of_calls;
mod plans;
mod real;
mod sim;
