//! When a credential is due: calendar-correct, in the policy's time zone.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A period in calendar terms: `6 months` is the same day half a year later, whatever its hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    months: u16,
    days: u16,
    hours: u16,
}

/// A text that is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a period; write `6 months`, `90 days`, `1 year` or `12 hours`")]
pub struct InvalidPeriod {
    given: String,
}

impl Period {
    /// A period of whole months.
    pub const fn months(months: u16) -> Self {
        Self {
            months,
            days: 0,
            hours: 0,
        }
    }

    /// A period of whole calendar days.
    pub const fn days(days: u16) -> Self {
        Self {
            months: 0,
            days,
            hours: 0,
        }
    }

    fn times(self, count: i64) -> Option<Span> {
        Span::new()
            .try_months(i64::from(self.months).checked_mul(count)?)
            .ok()?
            .try_days(i64::from(self.days).checked_mul(count)?)
            .ok()?
            .try_hours(i64::from(self.hours).checked_mul(count)?)
            .ok()
    }

    /// A length that no period of this kind is shorter than: February is the shortest month, and once a year a day has 23 hours.
    pub fn shortest(self) -> SignedDuration {
        let (years, months) = (i64::from(self.months / 12), i64::from(self.months % 12));
        let days = years * 365 + months * 28 + i64::from(self.days);
        let lost = i64::from(days > 0);
        SignedDuration::from_hours(days * 24 - lost + i64::from(self.hours))
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;
    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let invalid = || InvalidPeriod {
            given: text.chars().take(80).collect(),
        };
        let span: Span = text.trim().parse().map_err(|_| invalid())?;
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
        let hours = i64::from(span.get_hours());
        let rest = span.get_minutes() != 0 || span.get_seconds() != 0 || span.get_milliseconds() != 0;
        if span.is_negative() || span.is_zero() || rest || span.get_microseconds() != 0 || span.get_nanoseconds() != 0 {
            return Err(invalid());
        }
        let in_range = |value: i64| u16::try_from(value).ok().filter(|v| *v <= 12_000).ok_or_else(invalid);
        Ok(Self {
            months: in_range(months)?,
            days: in_range(days)?,
            hours: in_range(hours)?,
        })
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;
    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.months, "month"), (self.days, "day"), (self.hours, "hour")];
        let words = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{count} {unit}{plural}")
        });
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

/// The due dates of a credential: its anchor (when it was last rotated) and every period after it.
///
/// Each date is counted from the anchor, not from the date before it, so that month ends do not drift: a year of monthly
/// dates from 31 January ends on 31 January.
#[derive(Debug, Clone)]
pub struct Schedule {
    anchor: Timestamp,
    period: Period,
    zone: TimeZone,
}

impl Schedule {
    /// The due dates after `anchor`, on the wall clock of `zone`.
    pub fn new(anchor: Timestamp, period: Period, zone: TimeZone) -> Self {
        Self { anchor, period, zone }
    }

    /// The due date after that many periods; `None` beyond the year 9999.
    pub fn due(&self, count: i64) -> Option<Timestamp> {
        let span = self.period.times(count)?;
        let local = self.anchor.to_zoned(self.zone.clone()).checked_add(span).ok()?;
        Some(local.timestamp())
    }

    /// The first due date.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due(1)
    }
}

#[cfg(test)]
mod tests;
