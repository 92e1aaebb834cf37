//! Times as databases keep them: numbers that are compared and indexed like the times that they stand for.

use jiff::Timestamp;

/// Nanoseconds since 1970. What lies beyond the years 1677 to 2262 is as far as these numbers go, which no clock will tell from
/// the time that was meant.
pub fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The time of such a number; the largest one is the end of time.
pub fn time(nanos: i64) -> Timestamp {
    match nanos {
        i64::MAX => Timestamp::MAX,
        nanos => Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn times_keep_their_nanoseconds_and_their_order() {
        let tick = SignedDuration::from_nanos(1);
        let start = Timestamp::constant(1_767_225_600, 0);
        for at in [start, start + tick, Timestamp::UNIX_EPOCH - tick, Timestamp::MAX] {
            assert_eq!(time(nanos(at)), at);
        }
        assert!(nanos(Timestamp::MIN) < nanos(Timestamp::UNIX_EPOCH));
    }
}
