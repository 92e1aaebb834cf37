use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::{Length, seconds};

/// A health check.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProbeConfig {
    /// An address that has to answer.
    Http(HttpProbeConfig),
    /// A command that has to exit with 0.
    Command(CommandProbeConfig),
}

/// An address that has to answer as described.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpProbeConfig {
    /// The probe's name for people.
    pub name: String,
    /// The address. Redirects are not followed.
    pub url: String,
    /// The status that a healthy answer has.
    #[serde(default = "ok")]
    pub status: u16,
    /// What has to be true of the JSON in the answer.
    #[serde(default)]
    pub json: Vec<JsonCheck>,
    /// An answer that takes longer is unhealthy.
    pub max_latency: Option<Length>,
    /// How long to wait for an answer at all.
    #[serde(default = "ten_seconds")]
    pub timeout: Length,
    /// A file with headers to send, one `Name: value` per line; nobody but its owner and group may read it.
    pub headers_file: Option<PathBuf>,
}

/// What has to be true of one value in a JSON answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonCheck {
    /// Where the value is: a JSON pointer (RFC 6901) such as `/checks/jwt/status`.
    pub pointer: String,
    /// The value has to be this.
    pub equals: Option<Value>,
    /// The value has to be a number, and this or more.
    pub at_least: Option<f64>,
    /// The value has to be a number, and this or less.
    pub at_most: Option<f64>,
}

/// A command that exits with 0 where all is well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandProbeConfig {
    /// The probe's name for people.
    pub name: String,
    /// The program and its arguments; no shell is involved.
    pub command: Vec<String>,
    /// How long it may run.
    #[serde(default = "ten_seconds")]
    pub timeout: Length,
}

fn ok() -> u16 {
    200
}

fn ten_seconds() -> Length {
    seconds(10)
}
