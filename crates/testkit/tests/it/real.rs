//! Everything here needs a container engine.

mod postgres;
mod redis;
