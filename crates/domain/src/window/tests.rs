use proptest::prelude::*;

use super::*;

fn next(window: &str, now: &str) -> (String, String) {
    let window: Window = window.parse().unwrap();
    let (start, end) = window.next(now.parse().unwrap()).unwrap();
    (start.to_string(), end.to_string())
}

#[test]
fn the_next_opening_is_found() {
    // 24 November 2026 is a Tuesday.
    let tuesday = ("2026-11-24T02:00:00Z".to_owned(), "2026-11-24T04:00:00Z".to_owned());
    assert_eq!(next("Tue,Wed 02:00-04:00 UTC", "2026-11-23T09:00:00Z"), tuesday);
    assert_eq!(next("Tue,Wed 02:00-04:00 UTC", "2026-11-24T03:00:00Z"), tuesday);
    assert_eq!(
        next("Tue,Wed 02:00-04:00 UTC", "2026-11-24T04:00:00Z").0,
        "2026-11-25T02:00:00Z"
    );
    assert_eq!(
        next("Tue,Wed 02:00-04:00 UTC", "2026-11-25T04:00:00Z").0,
        "2026-12-01T02:00:00Z"
    );
}

#[test]
fn a_window_may_run_past_midnight() {
    let night = next("Fri 22:00-02:00 UTC", "2026-11-28T01:00:00Z");
    assert_eq!(
        night,
        ("2026-11-27T22:00:00Z".to_owned(), "2026-11-28T02:00:00Z".to_owned())
    );
}

#[test]
fn a_window_in_the_gap_of_daylight_saving_opens_late() {
    // On 29 March 2026 Berlin has no 02:00 to 03:00.
    let opening = next("Sun 02:00-04:00 Europe/Berlin", "2026-03-28T12:00:00Z");
    assert_eq!(
        opening,
        ("2026-03-29T01:00:00Z".to_owned(), "2026-03-29T02:00:00Z".to_owned())
    );
    // 02:00-02:30 would start after its end on that day: the next week's opening counts.
    assert_eq!(
        next("Sun 02:00-02:30 Europe/Berlin", "2026-03-29T02:00:00Z").0,
        "2026-04-05T00:00:00Z"
    );
    // So would 02:00-03:00, which has no length on that day.
    assert_eq!(
        next("Sun 02:00-03:00 Europe/Berlin", "2026-03-28T12:00:00Z").0,
        "2026-04-05T00:00:00Z"
    );
}

#[test]
fn what_is_no_window_is_refused_with_the_reason() {
    for bad in [
        "",
        "Tue",
        "Tue 02:00-04:00",
        "Foo 02:00-04:00 UTC",
        "Tue 2-4 UTC",
        "Tue 02:00-02:00 UTC",
        "Tue 02:00-04:00 Mars/Base",
        "Tue 02:00-04:00 UTC x",
    ] {
        assert!(bad.parse::<Window>().is_err(), "{bad}");
    }
}

#[test]
fn the_earliest_of_several_windows_counts() {
    let windows = ["Wed 02:00-04:00 UTC", "Tue 02:00-04:00 UTC"].map(|text| text.parse::<Window>().unwrap());
    let now = "2026-11-23T09:00:00Z".parse().unwrap();
    assert_eq!(next_open(&windows, now).unwrap().to_string(), "2026-11-24T02:00:00Z");
    assert_eq!(next_open(&[], now), Some(now));
}

proptest! {
    #[test]
    fn an_opening_is_in_front_of_us_and_on_one_of_its_days(
        second in 0i64..4_000_000_000,
        from in 0i8..24,
        until in 0i8..24,
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    ) {
        prop_assume!(from != until);
        let text = format!("Tue,Sun {from:02}:00-{until:02}:00 {zone}");
        let window: Window = text.parse().unwrap();
        let now = Timestamp::from_second(second).unwrap();
        let (start, end) = window.next(now).unwrap();
        prop_assert!(start < end && end > now);
        let day = start.to_zoned(TimeZone::get(zone).unwrap()).weekday();
        prop_assert!(day == Weekday::Tuesday || day == Weekday::Sunday);
        prop_assert_eq!(window.to_string().parse::<Window>().unwrap(), window);
    }
}
