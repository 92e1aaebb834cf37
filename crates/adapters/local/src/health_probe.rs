//! Health checks: an address that answers, or a command that exits with 0.

mod command;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod json;

use std::sync::Arc;

use keywheel_domain::ports::{HealthProbe, PortError};

use crate::config::{ProbeConfig, Surroundings};

/// Makes the probe that the configuration describes. Asks nothing yet.
///
/// # Errors
/// `Invalid` for an address, a check or a command that cannot be meant; `Unsupported` for an address in a build without the
/// feature `http`.
pub fn health_probe(config: &ProbeConfig, surroundings: &Surroundings) -> Result<Arc<dyn HealthProbe>, PortError> {
    Ok(match config {
        #[cfg(feature = "http")]
        ProbeConfig::Http(config) => Arc::new(http::HttpProbe::new(config, surroundings)?),
        #[cfg(not(feature = "http"))]
        ProbeConfig::Http(config) => return Err(crate::error::without_http(&config.name)),
        ProbeConfig::Command(config) => Arc::new(command::CommandProbe::new(config, surroundings)?),
    })
}
