//! What a range query answers, and what it means for a limit.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::PortError;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;

/// How many steps lie between the first and the last moment of a condition that has to last.
const STEPS: i32 = 10;

/// The answer to `query_range`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    data: Data,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Series>,
}

#[derive(Debug, Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, Value>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// The moments at which a number is looked at: one, or several until the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    last: Timestamp,
    step: SignedDuration,
    steps: i32,
}

/// One number at each moment at which there was one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers(Vec<Option<f64>>);

/// Why there is no number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// No series, or none with a sample that is young enough.
    Empty,
    /// More than one.
    Many(usize, String),
    /// A histogram, or a value that is no number.
    NotANumber(String),
    /// A part of the data may be missing.
    Warned(String),
}

impl Moments {
    /// Every moment of that length of time until `last`, in whole milliseconds as the API counts.
    pub(crate) fn until(last: Timestamp, lasting: SignedDuration) -> Self {
        let last = Timestamp::from_millisecond(last.as_millisecond()).unwrap_or(last);
        if lasting.is_zero() {
            let (step, steps) = (SignedDuration::from_secs(1), 0);
            return Self { last, step, steps };
        }
        let step = SignedDuration::from_millis_i128((lasting / STEPS).as_millis().max(1));
        Self {
            last,
            step,
            steps: STEPS,
        }
    }

    fn first(self) -> Timestamp {
        self.last
            .saturating_sub(self.step * self.steps)
            .unwrap_or(Timestamp::MIN)
    }

    /// Which of the moments that is, by the answer's seconds.
    fn index(self, seconds: f64) -> Option<usize> {
        let since = seconds - seconds_of(self.first());
        let index = (since / self.step.as_secs_f64()).round();
        (0.0..=f64::from(self.steps)).contains(&index).then_some(index as usize)
    }
}

/// Asks for the numbers at those moments. Samples that are older than `max_age` are not looked at.
pub(crate) async fn ask(
    client: &Client,
    query: &str,
    moments: Moments,
    max_age: SignedDuration,
) -> Result<Answer, PortError> {
    let parameters = [
        ("query", query.to_owned()),
        ("start", moments.first().to_string()),
        ("end", moments.last.to_string()),
        ("step", format!("{:.3}", moments.step.as_secs_f64())),
        ("lookback_delta", format!("{:.3}", max_age.as_secs_f64())),
    ];
    client.get("api/v1/query_range", &parameters).await
}

impl Answer {
    /// The one number at each moment; there has to be one at the last.
    ///
    /// # Errors
    /// What is not one number, and never passes.
    pub(crate) fn numbers(self, moments: Moments) -> Result<Numbers, Nothing> {
        if !self.warnings.is_empty() {
            return Err(Nothing::Warned(self.warnings.join("; ")));
        }
        if self.data.result_type != "matrix" {
            return Err(Nothing::NotANumber(format!("a {}", self.data.result_type)));
        }
        let count = self.data.result.len();
        if let [one, other, ..] = self.data.result.as_slice() {
            return Err(Nothing::Many(count, format!("{one} and {other}")));
        }
        let Some(series) = self.data.result.into_iter().next() else {
            return Err(Nothing::Empty);
        };
        if series.values.is_empty() {
            return Err(Nothing::NotANumber("a histogram".to_owned()));
        }
        let steps = usize::try_from(moments.steps).unwrap_or_default();
        let mut numbers = vec![None; steps + 1];
        for (seconds, value) in series.values {
            let number: f64 = value.parse().map_err(|_| Nothing::NotANumber(value))?;
            if let Some(place) = moments.index(seconds).and_then(|index| numbers.get_mut(index)) {
                *place = Some(number);
            }
        }
        match numbers[steps] {
            None => Err(Nothing::Empty),
            Some(last) if last.is_nan() => Err(Nothing::NotANumber("NaN".to_owned())),
            Some(_) => Ok(Numbers(numbers)),
        }
    }
}

impl Numbers {
    /// The number at the last moment.
    pub(crate) fn last(&self) -> f64 {
        self.0.last().copied().flatten().unwrap_or(f64::NAN)
    }

    /// Whether that is true of the number at every moment. What is not there, or no number, is true of nothing.
    pub(crate) fn all(&self, is: impl Fn(f64) -> bool) -> bool {
        self.0
            .iter()
            .all(|number| number.is_some_and(|number| !number.is_nan() && is(number)))
    }
}

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "the query finds no series with a sample that is young enough; see whether the target is scraped, or end the query with \
                 `or vector(0)` where nothing means none",
            ),
            Self::Many(count, some) => write!(
                f,
                "the query finds {count} series, such as {some}; make one of them with `sum(…)`, `max(…)` or `min(…)`"
            ),
            Self::NotANumber(what) => write!(f, "the query gives {what}, which is no number"),
            Self::Warned(warnings) => write!(f, "a part of the data may be missing: {warnings}"),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self
            .metric
            .iter()
            .take(3)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        write!(f, "{{{}}}", labels.join(", "))
    }
}

fn seconds_of(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

/// The limits of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    pub(crate) at_least: Option<f64>,
    pub(crate) at_most: Option<f64>,
}

impl Limits {
    pub(crate) fn hold(self, number: f64) -> bool {
        self.at_least.is_none_or(|least| number >= least) && self.at_most.is_none_or(|most| number <= most)
    }

    /// The tighter of two upper limits counts.
    pub(crate) fn and_at_most(self, most: f64) -> Self {
        let at_most = Some(self.at_most.map_or(most, |other| other.min(most)));
        Self { at_most, ..self }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => write!(f, "between {least} and {most}"),
            (Some(least), None) => write!(f, "at least {least}"),
            (None, Some(most)) => write!(f, "at most {most}"),
            (None, None) => f.write_str("anything"),
        }
    }
}

#[cfg(test)]
mod tests;
