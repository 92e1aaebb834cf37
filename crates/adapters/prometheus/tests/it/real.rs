//! Against real servers.

mod alerts;
mod exporter;
mod queries;
