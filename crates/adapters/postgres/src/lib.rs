#![doc = include_str!("../README.md")]

mod audit_log;
pub mod config;
mod connect;
mod database;
mod endpoint;
mod error;
mod issuer;
mod journal;
mod login;
mod material_store;
mod quote;
mod schema;
mod scram;

pub use config::{AdminConfig, ConfigError, DatabaseConfig, PostgresConfig, Strategy, Tls};
pub use connect::Admin;
pub use database::Database;
pub use issuer::{PASSWORD, PostgresIssuer, SALT, USERNAME};
pub use quote::{InvalidRoleName, RoleName};
