//! A metric that has to keep within a limit.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{Clock, HealthProbe, PortError, Sample, SecretSource, Verdict};

use crate::client::Client;
use crate::config::{Baseline, QueryProbeConfig};
use crate::series::{self, Limits, Moments, Numbers};

/// Asks Prometheus for one number.
#[derive(Debug)]
pub struct QueryProbe {
    config: QueryProbeConfig,
    client: Client,
}

impl QueryProbe {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// `Invalid` for a limit, an address or a file of certificates that cannot be meant.
    pub fn new(
        config: QueryProbeConfig,
        token: Option<Arc<dyn SecretSource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PortError> {
        config.validate()?;
        let client = Client::new(&config.url, config.ca_file.as_deref(), config.timeout, token, clock)?;
        Ok(Self { config, client })
    }

    async fn look(&self, began: Option<Timestamp>) -> (Verdict, String) {
        let now = self.client.clock().now();
        let seen = async {
            self.expect_alive(now).await?;
            let numbers = self.numbers(&self.config.query, now, self.config.lasting).await?;
            let (limits, story) = self.limits(began.unwrap_or(now)).await?;
            Ok::<_, String>((self.judge(&numbers, limits, &story), story_of(&numbers, limits, &story)))
        };
        seen.await.unwrap_or_else(|why| (Verdict::Unknown(why), String::new()))
    }

    /// Fails where even the newest sample that the server has is too old: it would go on showing old ones for five minutes.
    async fn expect_alive(&self, now: Timestamp) -> Result<(), String> {
        let heartbeat = &self.config.heartbeat;
        let newest = self
            .numbers(&format!("max(timestamp({heartbeat}))"), now, SignedDuration::ZERO)
            .await;
        let newest =
            newest.map_err(|why| format!("when it was scraped last is not known (by `{heartbeat}`): {why}"))?;
        let age = now.as_duration().as_secs_f64() - newest.last();
        match age <= self.config.max_age.as_secs_f64() {
            true => Ok(()),
            false => Err(format!(
                "its newest sample is {age:.0} s old; see whether it scrapes, and whether the clocks agree"
            )),
        }
    }

    async fn numbers(&self, query: &str, last: Timestamp, lasting: SignedDuration) -> Result<Numbers, String> {
        let moments = Moments::until(last, lasting);
        let answer = series::ask(&self.client, query, moments, self.config.max_age).await;
        let answer = answer.map_err(|error| error.chain())?;
        answer.numbers(moments).map_err(|nothing| nothing.to_string())
    }

    /// The limits, and where the one that comes from before the rotation comes from.
    async fn limits(&self, began: Timestamp) -> Result<(Limits, String), String> {
        let QueryProbeConfig { at_least, at_most, .. } = self.config;
        let limits = Limits { at_least, at_most };
        let Some(Baseline { times, plus }) = self.config.baseline else {
            return Ok((limits, String::new()));
        };
        let before = self.numbers(&self.config.query, began, SignedDuration::ZERO).await;
        let before = before
            .map_err(|why| format!("there is nothing to compare with at {began}: {why}"))?
            .last();
        let limits = limits.and_at_most(before * times + plus);
        Ok((limits, format!("; it was {before} when the rotation began")))
    }

    fn judge(&self, numbers: &Numbers, limits: Limits, story: &str) -> Verdict {
        if limits.hold(numbers.last()) {
            return Verdict::Healthy;
        }
        let why = story_of(numbers, limits, story);
        match numbers.all(|number| !limits.hold(number)) {
            true => Verdict::Unhealthy(why),
            false => Verdict::Unknown(format!("{why}, not yet for {:#}", self.config.lasting)),
        }
    }
}

fn story_of(numbers: &Numbers, limits: Limits, story: &str) -> String {
    format!("{}, has to be {limits}{story}", numbers.last())
}

#[async_trait]
impl HealthProbe for QueryProbe {
    fn name(&self) -> &str {
        &self.config.name
    }

    async fn sample(&self, began: Option<Timestamp>) -> Sample {
        let (verdict, healthy) = self.look(began).await;
        Sample::of_health(&self.config.name, verdict, &healthy)
    }
}
