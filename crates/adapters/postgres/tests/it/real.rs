//! What needs a server.

mod issuer;
mod journal;
