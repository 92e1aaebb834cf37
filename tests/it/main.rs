//! The rules of the whole, as properties and as searches.

mod faults;
mod leaks;
mod machine;
mod model;
mod order_of_calls;
mod plans;
mod real;
mod sim;
