//! Alerts that must not fire.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::ports::{Clock, HealthProbe, PortError, Sample, SecretSource, Verdict};

use crate::alerts::{firing, listed};
use crate::client::Client;
use crate::config::AlertProbeConfig;

/// Asks Alertmanager what fires.
#[derive(Debug)]
pub struct AlertProbe {
    config: AlertProbeConfig,
    client: Client,
}

impl AlertProbe {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// `Invalid` for an address or a file of certificates that cannot be meant, and where no matcher is given.
    pub fn new(
        config: AlertProbeConfig,
        token: Option<Arc<dyn SecretSource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PortError> {
        config.validate()?;
        let client = Client::new(&config.url, config.ca_file.as_deref(), config.timeout, token, clock)?;
        Ok(Self { config, client })
    }

    async fn look(&self) -> Result<Verdict, PortError> {
        let alerts = firing(&self.client, &self.config.matchers).await?;
        if !alerts.is_empty() {
            return Ok(Verdict::Unhealthy(format!("{} fires", listed(&alerts))));
        }
        if self.config.watchdog.is_empty() || !firing(&self.client, &self.config.watchdog).await?.is_empty() {
            return Ok(Verdict::Healthy);
        }
        Ok(Verdict::Unknown(
            "the alert that always fires does not, so no alert may arrive here; see whether Prometheus runs and sends"
                .to_owned(),
        ))
    }
}

#[async_trait]
impl HealthProbe for AlertProbe {
    fn name(&self) -> &str {
        &self.config.name
    }

    async fn sample(&self, _began: Option<Timestamp>) -> Sample {
        let verdict = self
            .look()
            .await
            .unwrap_or_else(|error| Verdict::Unknown(error.chain()));
        Sample::of_health(&self.config.name, verdict, "no alert fires")
    }
}
