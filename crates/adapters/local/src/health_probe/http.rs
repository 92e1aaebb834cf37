//! An address that has to answer: with the right status, in time, and with the right values in its JSON.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{HealthProbe, PortError, Sample, Verdict};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::json::{self, Checked};
use crate::config::{HttpProbeConfig, JsonCheck, Surroundings};
use crate::http::{Address, Answer, Client, Failure};
use crate::redact;

/// A health endpoint says less.
const ANSWER_LIMIT: usize = 1024 * 1024;
const HEADERS_LIMIT: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct HttpProbe {
    name: String,
    client: Client,
    address: Address,
    status: u16,
    checks: Vec<JsonCheck>,
    max_latency: Option<SignedDuration>,
    timeout: SignedDuration,
    headers_file: Option<PathBuf>,
    surroundings: Surroundings,
}

impl HttpProbe {
    pub(super) fn new(config: &HttpProbeConfig, surroundings: &Surroundings) -> Result<Self, PortError> {
        for check in &config.json {
            json::validate(&config.name, check)?;
        }
        Ok(Self {
            name: config.name.clone(),
            client: Client::new()?,
            address: Address::new(&config.url)?,
            status: config.status,
            checks: config.json.clone(),
            max_latency: config.max_latency.map(|length| length.0),
            timeout: config.timeout.0,
            headers_file: config.headers_file.as_ref().map(|file| surroundings.base.join(file)),
            surroundings: surroundings.clone(),
        })
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        if answer.status != self.status {
            let said = redact::excerpt(&answer.body);
            let why = format!("status {} instead of {}", answer.status, self.status);
            return Verdict::Unhealthy(if said.is_empty() { why } else { format!("{why}: {said}") });
        }
        if let Some(most) = self.max_latency.filter(|most| answer.took > *most) {
            return Verdict::Unhealthy(format!("the answer took {:#}, and {most:#} is the most", answer.took));
        }
        if self.checks.is_empty() {
            return Verdict::Healthy;
        }
        let Ok(body) = serde_json::from_slice(&answer.body) else {
            return Verdict::Unknown("the answer is not JSON".to_owned());
        };
        let mut unknown = None;
        for check in &self.checks {
            match json::check(check, &body) {
                Checked::Holds => {}
                // What is certainly wrong counts more than what cannot be told.
                Checked::Broken(why) => return Verdict::Unhealthy(why),
                Checked::Unknown(why) => unknown = Some(why),
            }
        }
        unknown.map_or(Verdict::Healthy, Verdict::Unknown)
    }

    fn judge_failure(&self, failure: &Failure) -> Verdict {
        match failure {
            Failure::TurnedAway(why) => Verdict::Unhealthy(why.clone()),
            // An answer that never came was certainly too slow, where slowness is what the probe is about.
            Failure::TimedOut(_) if self.max_latency.is_some() => Verdict::Unhealthy(failure.to_string()),
            Failure::TimedOut(_) | Failure::Broken(_) => Verdict::Unknown(failure.to_string()),
        }
    }
}

#[async_trait]
impl HealthProbe for HttpProbe {
    fn name(&self) -> &str {
        &self.name
    }

    async fn sample(&self, _began: Option<Timestamp>) -> Sample {
        let shown = self.address.shown();
        // Read anew each time: what is in the file is a credential, too, and may be rotated.
        let headers = match self.headers_file.as_deref().map(read_headers).transpose() {
            Ok(headers) => headers,
            Err(why) => return Sample::of_health(&self.name, Verdict::Unknown(why), ""),
        };
        let clock = self.surroundings.clock.as_ref();
        let answer = self
            .client
            .get(&self.address, headers, self.timeout, ANSWER_LIMIT, clock)
            .await;
        let (verdict, healthy) = match &answer {
            Ok(answer) => {
                let healthy = format!("{shown} answered {} in {:#}", answer.status, answer.took);
                (self.judge(answer), healthy)
            }
            Err(failure) => (self.judge_failure(failure), String::new()),
        };
        Sample::of_health(&self.name, verdict, &healthy)
    }
}

/// Reads `Name: value` lines. No error shows any part of them.
fn read_headers(path: &Path) -> Result<HeaderMap, String> {
    let shown = path.display();
    let text = read_private(path).map_err(|error| format!("the headers in {shown} cannot be read: {error}"))?;
    let mut headers = HeaderMap::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let (name, value) =
            header(line).ok_or_else(|| format!("line {} of {shown} is no `Name: value`", number + 1))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
    let mut value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

fn read_private(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    if file.metadata()?.mode() & 0o007 != 0 {
        return Err(io::Error::other("everybody may read it; run `chmod o-rwx` on it"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEADERS_LIMIT + 1));
    io::Read::by_ref(&mut file)
        .take(HEADERS_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() > HEADERS_LIMIT {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}
