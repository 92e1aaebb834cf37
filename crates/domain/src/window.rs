//! When a routine rotation may begin, such as `Tue,Wed 02:00-04:00 UTC`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Days of the week and a span of their wall clock in one time zone. A span that ends before it starts runs past midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    days: Vec<Weekday>,
    from: Time,
    until: Time,
    zone: String,
}

/// A text that is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a window: {problem}; write for example `Tue,Wed 02:00-04:00 UTC`")]
pub struct InvalidWindow {
    given: String,
    problem: &'static str,
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

impl FromStr for Window {
    type Err = InvalidWindow;
    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        let invalid = |problem| InvalidWindow {
            given: text.chars().take(80).collect(),
            problem,
        };
        let mut words = text.split_whitespace();
        let (Some(days), Some(hours), Some(zone), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(invalid("it has days, hours and a time zone"));
        };
        let days =
            parse_days(days).ok_or_else(|| invalid("the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, or `daily`"))?;
        let (from, until) = hours
            .split_once('-')
            .ok_or_else(|| invalid("the hours are like 02:00-04:00"))?;
        let clock = |hour: &str| {
            hour.parse::<Time>()
                .map_err(|_| invalid("the hours are like 02:00-04:00"))
        };
        let (from, until) = (clock(from)?, clock(until)?);
        if from == until {
            return Err(invalid("it ends when it starts"));
        }
        if TimeZone::get(zone).is_err() {
            return Err(invalid("its time zone is unknown"));
        }
        Ok(Self {
            days,
            from,
            until,
            zone: zone.to_owned(),
        })
    }
}

fn parse_days(text: &str) -> Option<Vec<Weekday>> {
    if text.eq_ignore_ascii_case("daily") {
        return Some(DAYS.iter().map(|(_, day)| *day).collect());
    }
    let named = |name: &str| {
        DAYS.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, day)| *day)
    };
    text.split(',').map(named).collect()
}

impl TryFrom<String> for Window {
    type Error = InvalidWindow;
    fn try_from(text: String) -> Result<Self, InvalidWindow> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |day: &Weekday| {
            DAYS.iter()
                .find(|(_, known)| known == day)
                .map_or("", |(name, _)| *name)
        };
        let days = self.days.iter().map(named).collect::<Vec<_>>().join(",");
        let clock = |time: &Time| time.strftime("%H:%M").to_string();
        write!(f, "{days} {}-{} {}", clock(&self.from), clock(&self.until), self.zone)
    }
}

impl Window {
    /// The opening that contains `now`, or else the next one, as (start, end). `None` only beyond the year 9999.
    pub fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let zone = TimeZone::get(&self.zone).ok()?;
        let mut date = now.to_zoned(zone.clone()).date().yesterday().ok()?;
        // Two weeks, because a gap of daylight saving can swallow one opening of a weekly window.
        for _ in 0..16 {
            let opening = self.opening(date, &zone)?;
            if let Some((start, end)) = opening.filter(|(_, end)| *end > now) {
                return Some((start, end));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The opening that starts on that date: the outer `None` is the end of the calendar, the inner one a closed day.
    fn opening(&self, date: Date, zone: &TimeZone) -> Option<Option<(Timestamp, Timestamp)>> {
        if !self.days.contains(&date.weekday()) {
            return Some(None);
        }
        let end_date = if self.until < self.from {
            date.checked_add(1.day()).ok()?
        } else {
            date
        };
        let moment = |date: Date, time: Time| zone.to_timestamp(date.to_datetime(time)).ok();
        let (start, end) = (moment(date, self.from)?, moment(end_date, self.until)?);
        Some((start < end).then_some((start, end)))
    }
}

/// The moment at which one of the windows is open: `now`, or the start of the next opening. Always open where there is none.
pub fn next_open(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    if windows.is_empty() {
        return Some(now);
    }
    let starts = windows.iter().filter_map(|window| window.next(now));
    starts.map(|(start, _)| start.max(now)).min()
}

#[cfg(test)]
mod tests;
