//! Keywheel for embedders: build a [`Keywheel`] from ports, adopt credentials, rotate them.
//!
//! ```text
//! Keywheel::builder(Ports { journal, materials, audit, keys, clock, entropy }, driver_id)
//!     .credential(name, Wiring { .. })
//!     .build()
//! ```
//!
//! [`Keywheel::scheduler`] does that for everything that is due, many at once.
//!
//! The whole of it runs on the [`Clock`](keywheel_domain::ports::Clock) port and on no particular runtime.
//! `examples/embed.rs` rotates a credential of another service with a port of its own.

mod adopt;
mod audit;
mod commands;
mod dates;
mod driver;
mod error;
mod facade;
mod health;
mod preflight;
mod progress;
mod punctual;
mod redact;
mod report;
mod say;
mod scheduler;
mod seal;
mod verify;
mod wiring;

pub use adopt::Adopted;
pub use driver::Driven;
pub use error::AppError;
pub use facade::{Builder, Keywheel, Ports};
pub use progress::{Observer, Progress, Silent};
pub use report::{ConsumerStatus, CredentialStatus, RotationStatus};
pub use scheduler::{News, Overdue, Reporter, Scheduler, Tally};
pub use verify::{Check, Verification};
pub use wiring::{Unusable, Wiring};
