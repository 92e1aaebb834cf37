#![doc = include_str!("../README.md")]

mod alerts;
mod client;
pub mod config;
mod error;
mod health_probe;
mod series;

pub use health_probe::{AlertProbe, QueryProbe};
