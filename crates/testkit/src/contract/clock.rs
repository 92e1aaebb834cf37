//! What every clock has to keep.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;

/// Short enough not to be noticed where time is real.
const MOMENT: SignedDuration = SignedDuration::from_millis(2);

/// Runs every check.
///
/// # Panics
/// Where the clock breaks the contract.
pub async fn check(clock: &dyn Clock) {
    the_wall_clock_shows_a_time_of_this_century(clock);
    the_monotonic_clock_never_goes_back(clock);
    a_sleeper_wakes_when_that_time_has_passed_and_not_before(clock).await;
    a_sleep_of_no_time_or_less_ends(clock).await;
}

/// It counts from 1970 in UTC, and not from some other day.
pub fn the_wall_clock_shows_a_time_of_this_century(clock: &dyn Clock) {
    let century = Timestamp::constant(946_684_800, 0)..Timestamp::constant(4_102_444_800, 0);
    assert!(century.contains(&clock.now()), "{}", clock.now());
}

/// However often it is read.
pub fn the_monotonic_clock_never_goes_back(clock: &dyn Clock) {
    let mut last = clock.monotonic();
    assert!(!last.is_negative());
    for _ in 0..1000 {
        let now = clock.monotonic();
        assert!(now >= last, "{now:?} after {last:?}");
        last = now;
    }
}

/// As the monotonic clock measures it.
pub async fn a_sleeper_wakes_when_that_time_has_passed_and_not_before(clock: &dyn Clock) {
    let before = clock.monotonic();
    clock.sleep(MOMENT).await;
    assert!(clock.monotonic() - before >= MOMENT);
}

/// A deadline may have passed already.
pub async fn a_sleep_of_no_time_or_less_ends(clock: &dyn Clock) {
    clock.sleep(SignedDuration::ZERO).await;
    clock.sleep(-MOMENT).await;
}
