use proptest::prelude::*;

use super::*;

fn schedule(anchor: &str, period: &str, zone: &str) -> Schedule {
    Schedule::new(
        anchor.parse().unwrap(),
        period.parse().unwrap(),
        TimeZone::get(zone).unwrap(),
    )
}

fn due(anchor: &str, period: &str, zone: &str) -> String {
    schedule(anchor, period, zone).next_due().unwrap().to_string()
}

#[test]
fn periods_are_calendar_terms() {
    assert_eq!(due("2025-06-01T00:00:00Z", "6 months", "UTC"), "2025-12-01T00:00:00Z");
    assert_eq!(due("2025-11-01T02:00:00Z", "3 months", "UTC"), "2026-02-01T02:00:00Z");
    assert_eq!(due("2024-02-29T12:00:00Z", "1 year", "UTC"), "2025-02-28T12:00:00Z");
    assert_eq!(due("2025-01-31T12:00:00Z", "1 month", "UTC"), "2025-02-28T12:00:00Z");
}

#[test]
fn the_wall_clock_stays_over_daylight_saving() {
    // Berlin: 02:00 in winter is 01:00 UTC, in summer 00:00 UTC.
    assert_eq!(
        due("2026-01-15T01:00:00Z", "6 months", "Europe/Berlin"),
        "2026-07-15T00:00:00Z"
    );
    // 02:30 does not exist on 29 March 2026; the date moves to the first moment after the gap of an hour.
    assert_eq!(
        due("2026-02-28T01:30:00Z", "29 days", "Europe/Berlin"),
        "2026-03-29T01:30:00Z"
    );
}

#[test]
fn month_ends_do_not_drift() {
    let monthly = schedule("2025-01-31T12:00:00Z", "1 month", "UTC");
    let days: Vec<i8> = (1..=12)
        .map(|n| monthly.due(n).unwrap().to_zoned(TimeZone::UTC).day())
        .collect();
    assert_eq!(days, [28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31]);
}

#[test]
fn periods_that_are_none_are_refused() {
    for bad in [
        "",
        "soon",
        "-1 month",
        "0 days",
        "5 min",
        "90 s",
        "1 month 3 min",
        "1 month 3 us",
        "1 month 3 ns",
        "99999 days",
    ] {
        assert!(bad.parse::<Period>().is_err(), "{bad}");
    }
    assert_eq!(
        "1 year 2 weeks".parse::<Period>().unwrap().to_string(),
        "12 months 14 days"
    );
}

#[test]
fn a_period_is_stored_as_people_write_it() {
    let period: Period = "6 months".parse().unwrap();
    let stored = serde_json::to_string(&period).unwrap();
    assert_eq!(stored, "\"6 months\"");
    assert_eq!(serde_json::from_str::<Period>(&stored).unwrap(), period);
}

proptest! {
    #[test]
    fn no_due_date_is_skipped_or_doubled(
        start in 0i64..4_000_000_000,
        months in 0u16..30,
        days in 0u16..400,
        count in 1i64..200,
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    ) {
        prop_assume!(months > 0 || days > 0);
        let anchor = Timestamp::from_second(start).unwrap();
        let period = Period { months, days, hours: 0 };
        let schedule = Schedule::new(anchor, period, TimeZone::get(zone).unwrap());
        prop_assert!(schedule.next_due().unwrap() > anchor);
        let (one, next) = (schedule.due(count).unwrap(), schedule.due(count + 1).unwrap());
        // A month has at least 28 days, and a change of the clock or of the calendar takes at most one.
        let shortest = i64::from(months) * 28 + i64::from(days) - 4;
        prop_assert!(next > one && next.as_second() - one.as_second() >= shortest * 86_400);
    }

    #[test]
    fn no_period_is_shorter_than_its_shortest(
        start in 0i64..4_000_000_000,
        months in 0u16..30,
        days in 0u16..400,
        hours in 0u16..50,
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    ) {
        prop_assume!(months + days + hours > 0);
        let anchor = Timestamp::from_second(start).unwrap();
        let period = Period { months, days, hours };
        let schedule = Schedule::new(anchor, period, TimeZone::get(zone).unwrap());
        prop_assert!(schedule.next_due().unwrap().duration_since(anchor) >= period.shortest());
    }

    #[test]
    fn a_period_reads_what_it_prints(months in 0u16..100, days in 0u16..100, hours in 0u16..100) {
        prop_assume!(months + days + hours > 0);
        let period = Period { months, days, hours };
        prop_assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
    }
}
