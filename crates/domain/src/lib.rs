//! The pure heart of Keywheel.
//!
//! Nothing here does I/O, knows a clock, a runtime or a backend. What is here decides:
//!
//! - [`plan`] holds plans that cannot lock a consumer out, because the constructor of [`plan::Plan`]
//!   simulates every step and every unwinding and answers with a counter-example otherwise;
//! - [`rotation`] is the durable machine: [`rotation::Rotation::apply`] is its one table of legal moves,
//!   [`rotation::Rotation::next`] says what happens next;
//! - [`template`] fills in what applications read, and keeps secret fields in memory that is wiped;
//! - [`ports`] are the traits through which the outside world is reached, with their contracts.

pub mod audit;
pub mod credential;
pub mod evidence;
pub mod id;
pub mod material;
pub mod password;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod rotation;
pub mod schedule;
pub mod stored_time;
pub mod template;
pub mod trigger;
pub mod version;
pub mod view;
pub mod window;
