//! Real servers, rotated while clients log in all the time with what the secret store shows at that moment.

mod clients;
pub mod postgres;
pub mod redis;
mod stage;

pub use clients::{Clients, Login, Server, Session, Tally};
pub use stage::{Stage, quick, quiet_workload, store};
