//! What needs servers in containers, which is everything.

mod client;
mod contract;
mod dual;
mod faults;
mod findings;
mod in_place;
mod injection;
mod keeping;
mod load;
mod nodes;
mod purge;
mod sentinel;
mod support;
mod tls;
mod twins;
mod usage;
