//! Values as people write them.

use jiff::SignedDuration;
use keywheel_domain::policy::parse_length;
use keywheel_domain::schedule::Period;
use keywheel_domain::window::Window;
use serde::{Deserialize, Deserializer};

use super::document::parsed;

/// A length of time in quotes: `90 s`, `15 min`, `7 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) SignedDuration);

/// The same, and more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SomeTime(pub(crate) SignedDuration);

/// A period in quotes: `6 months`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Every(pub(crate) Period);

/// A window in quotes: `Tue,Wed 02:00-04:00 UTC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening(pub(crate) Window);

/// The name of a time zone: `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zone(pub(crate) String);

const LENGTH: &str = "a length of time in quotes: write \"90 s\", \"15 min\", \"48 h\" or \"7 days\"";

impl std::str::FromStr for Length {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse_length(text).map(Self).map_err(|error| error.to_string())
    }
}

impl std::str::FromStr for SomeTime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let Length(length) = text.parse()?;
        if length.is_zero() {
            return Err(format!("{text:?} is no time at all; write \"5 s\" or more"));
        }
        Ok(Self(length))
    }
}

impl std::str::FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if jiff::tz::TimeZone::get(text).is_err() {
            let given = text.chars().take(40).collect::<String>();
            return Err(format!(
                "{given:?} is not a time zone that is known here; write `UTC` or `Europe/Berlin`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, LENGTH)
    }
}

impl<'de> Deserialize<'de> for SomeTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, LENGTH)
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(
            deserializer,
            "a period in quotes: write \"6 months\", \"90 days\" or \"1 year\"",
        )
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "a window in quotes: write \"Tue,Wed 02:00-04:00 UTC\"").map(Self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(
            deserializer,
            "the name of a time zone in quotes: write \"UTC\" or \"Europe/Berlin\"",
        )
    }
}
