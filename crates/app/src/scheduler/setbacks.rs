//! What failed, and when it is tried again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Due;

const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// What failed, by what is due.
#[derive(Debug, Default)]
pub(super) struct Setbacks(BTreeMap<Due, Setback>);

#[derive(Debug)]
struct Setback {
    failures: u32,
    until: Timestamp,
}

impl Setbacks {
    /// It failed, once more than before: when to try again, after pauses that double.
    pub(super) fn failed(&mut self, due: &Due, now: Timestamp) -> Timestamp {
        let failures = self.0.get(due).map_or(0, |setback| setback.failures);
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
        let until = later(now, pause);
        let failures = failures.saturating_add(1);
        self.0.insert(due.clone(), Setback { failures, until });
        until
    }

    /// Somebody else has it: no failure, but nothing to ask for all the time either.
    pub(super) fn set_aside(&mut self, due: &Due, until: Timestamp) {
        self.0.insert(due.clone(), Setback { failures: 0, until });
    }

    /// It is moved again.
    pub(super) fn recovered(&mut self, due: &Due) {
        self.0.remove(due);
    }

    /// Whether it is too early to try again.
    pub(super) fn holds(&self, due: &Due, now: Timestamp) -> bool {
        self.0.get(due).is_some_and(|setback| now < setback.until)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was due no more when its time had come.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.0.retain(|_, setback| now < later(setback.until, LONGEST_PAUSE));
    }
}

fn later(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_begin_anew_after_a_success() {
        let due = Due::Credential("a".parse().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        let mut setbacks = Setbacks::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            pauses.push(setbacks.failed(&due, now).as_second());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert!(setbacks.holds(&due, later(now, SignedDuration::from_secs(3599))));
        assert!(!setbacks.holds(&due, later(now, SignedDuration::from_secs(3600))));
        setbacks.recovered(&due);
        assert!(!setbacks.holds(&due, now));
        assert_eq!(setbacks.failed(&due, now).as_second(), 30);
    }

    #[test]
    fn what_never_came_back_is_forgotten() {
        let due = Due::Credential("a".parse().unwrap());
        let mut setbacks = Setbacks::default();
        let until = setbacks.failed(&due, Timestamp::UNIX_EPOCH);
        setbacks.tidy(until);
        assert_eq!(setbacks.len(), 1);
        setbacks.tidy(later(until, LONGEST_PAUSE));
        assert_eq!(setbacks.len(), 0);
    }
}
