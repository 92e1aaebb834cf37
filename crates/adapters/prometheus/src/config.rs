//! What an operator writes about a guard. The token that a server wants is not among it: it comes from a
//! [`SecretSource`](keywheel_domain::ports::SecretSource).

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use keywheel_domain::ports::PortError;
use serde::Deserialize;

use crate::error::invalid;

/// A metric that has to keep within a limit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryProbeConfig {
    /// The probe's name for people.
    pub name: String,
    /// The server, with the path below which its API is, if there is one: `https://prometheus.example.com`.
    pub url: String,
    /// A query in PromQL that gives one number.
    pub query: String,
    /// The number has to be this or more.
    pub at_least: Option<f64>,
    /// The number has to be this or less.
    pub at_most: Option<f64>,
    /// The number is compared with what it was when the rotation began.
    pub baseline: Option<Baseline>,
    /// For how long without a break the number has to be out of its limits before that counts as an error. Until then it is not
    /// known whether all is well. Zero unless said otherwise: the first bad number counts, and the policy's `tolerance` is what
    /// forgives single ones.
    #[serde(default, rename = "for")]
    pub lasting: SignedDuration,
    /// A sample that is older is not looked at. Two minutes unless said otherwise; it has to be longer than the scrape interval.
    #[serde(default = "two_minutes")]
    pub max_age: SignedDuration,
    /// Series that are always there: the newest sample of any tells how old what the server knows is. `up` unless said otherwise.
    #[serde(default = "up")]
    pub heartbeat: String,
    /// How long to wait for an answer.
    #[serde(default = "ten_seconds")]
    pub timeout: SignedDuration,
    /// The authority of the server's certificate, in PEM; the system's ones unless said otherwise.
    pub ca_file: Option<PathBuf>,
}

/// A limit that counts from what the number was when the rotation began: at most `times` as much, and `plus` more.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// By what it is multiplied. 1 unless said otherwise.
    #[serde(default = "one")]
    pub times: f64,
    /// What is added, in the query's own unit. It forgives noise where there was next to nothing before. 0 unless said otherwise.
    #[serde(default)]
    pub plus: f64,
}

/// Alerts that must not fire.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertProbeConfig {
    /// The probe's name for people.
    pub name: String,
    /// The Alertmanager: `https://alertmanager.example.com`.
    pub url: String,
    /// Which alerts count: those that all of these match, written as `amtool` takes them, such as `service="goimg"`.
    pub matchers: Vec<String>,
    /// An alert that always fires, by its matchers. Where it does not, alerts do not arrive and silence says nothing.
    #[serde(default)]
    pub watchdog: Vec<String>,
    /// How long to wait for an answer.
    #[serde(default = "ten_seconds")]
    pub timeout: SignedDuration,
    /// The authority of the server's certificate, in PEM; the system's ones unless said otherwise.
    pub ca_file: Option<PathBuf>,
}

impl QueryProbeConfig {
    /// Relative paths count from `base`.
    #[must_use]
    pub fn relative_to(mut self, base: &Path) -> Self {
        self.ca_file = self.ca_file.map(|file| base.join(file));
        self
    }

    /// Refuses what cannot be meant.
    pub(crate) fn validate(&self) -> Result<(), PortError> {
        let name = &self.name;
        for (field, text) in [("query", &self.query), ("heartbeat", &self.heartbeat)] {
            if text.trim().is_empty() {
                return Err(invalid(format!(
                    "`{field}` of the probe {name} is empty; write it in PromQL"
                )));
            }
        }
        if self.at_least.is_none() && self.at_most.is_none() && self.baseline.is_none() {
            return Err(invalid(format!(
                "the probe {name} has no limit; give it `at_most`, `at_least` or `baseline`"
            )));
        }
        let baseline = self.baseline.map(|baseline| [baseline.times, baseline.plus]);
        let mut numbers = [self.at_least, self.at_most]
            .into_iter()
            .flatten()
            .chain(baseline.into_iter().flatten());
        if numbers.any(|number| !number.is_finite()) {
            return Err(invalid(format!("a limit of the probe {name} is no finite number")));
        }
        if self.baseline.is_some_and(|baseline| baseline.times < 0.0) {
            return Err(invalid(format!("`baseline.times` of the probe {name} is below zero")));
        }
        let second = SignedDuration::from_secs(1);
        if self.max_age < second || self.timeout.is_zero() || self.timeout.is_negative() || self.lasting.is_negative() {
            return Err(invalid(format!(
                "a length of time of the probe {name} is too short; `max_age` is a second or more"
            )));
        }
        Ok(())
    }
}

impl AlertProbeConfig {
    /// Relative paths count from `base`.
    #[must_use]
    pub fn relative_to(mut self, base: &Path) -> Self {
        self.ca_file = self.ca_file.map(|file| base.join(file));
        self
    }

    /// Refuses what cannot be meant.
    pub(crate) fn validate(&self) -> Result<(), PortError> {
        if self.matchers.is_empty() {
            return Err(invalid(format!(
                "the probe {} has no `matchers`, and would mind every alert there is; write `matchers = ['service=\"goimg\"']`",
                self.name
            )));
        }
        Ok(())
    }
}

fn one() -> f64 {
    1.0
}

fn up() -> String {
    "up".to_owned()
}

fn two_minutes() -> SignedDuration {
    SignedDuration::from_mins(2)
}

fn ten_seconds() -> SignedDuration {
    SignedDuration::from_secs(10)
}
