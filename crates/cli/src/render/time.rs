use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The day in UTC: `2025-12-01`.
pub(crate) fn day(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// The moment to the second in UTC: `2025-12-01 02:00:05 UTC`.
pub(crate) fn moment(moment: Timestamp) -> String {
    moment
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

/// The time of day in UTC, for lines that come one after the other: `02:00:05`.
pub(crate) fn clock(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// A length of time in its two largest units: `7 days 3 h`, `2 min 5 s`, `350 ms`.
pub(crate) fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs().abs();
    if seconds == 0 {
        return match time.subsec_millis().abs() {
            0 => "0 s".to_owned(),
            millis => format!("{millis} ms"),
        };
    }
    let units = [(86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, name) in units {
        let count = left / unit;
        left %= unit;
        if count > 0 {
            parts.push(format!(
                "{count} {}",
                if name == "days" && count == 1 { "day" } else { name }
            ));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_show_their_two_largest_units() {
        for (millis, text) in [
            (0, "0 s"),
            (350, "350 ms"),
            (1_999, "1 s"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h"),
            (3_601_000, "1 h"),
            (90_000_000, "1 day 1 h"),
            (691_200_000, "8 days"),
        ] {
            assert_eq!(length(SignedDuration::from_millis(millis)), text);
        }
    }
}
