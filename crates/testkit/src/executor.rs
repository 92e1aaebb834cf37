//! Runs one future to its end on the test clock: no threads, no runtime, the same order every time.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock::TestClock;

/// More than the longest honest run needs; a future that still waits then waits for something that never comes.
const MOST_ADVANCES: usize = 200_000;

/// Why a future was dropped before it was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// `stop` said so: the process was killed.
    Killed,
    /// Nothing would ever have woken it.
    Deadlock,
    /// It woke itself for ever.
    Endless,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Killed => "it was killed",
            Self::Deadlock => "deadlock: it waits for something, and nobody sleeps",
            Self::Endless => "it waits again and again and never ends",
        })
    }
}

/// Runs the future to its end. Whenever it waits, the clock advances to the earliest sleeper.
///
/// # Panics
/// Where the future waits and nobody sleeps ("deadlock"), and where it never ends.
pub fn run<F: Future>(clock: &TestClock, future: F) -> F::Output {
    match run_until(clock, || false, future) {
        Ok(output) => output,
        Err(stopped) => panic!("{stopped}"),
    }
}

/// The same, until `stop` is true after a poll: then the future is dropped where it stands, as `kill -9` would do.
///
/// # Errors
/// [`Stopped`] with the reason for which the future never was ready.
pub fn run_until<F: Future>(clock: &TestClock, stop: impl Fn() -> bool, future: F) -> Result<F::Output, Stopped> {
    let woken = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    for _ in 0..MOST_ADVANCES {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        if stop() {
            return Err(Stopped::Killed);
        }
        if !woken.0.swap(false, Ordering::Relaxed) && !clock.advance_to_next_sleeper() {
            return Err(Stopped::Deadlock);
        }
    }
    Err(Stopped::Endless)
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;
    use jiff::{SignedDuration, Timestamp};
    use keywheel_domain::ports::Clock;

    use super::*;

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn two_weeks_of_sleep_take_no_time_and_end_in_order() {
        let clock = TestClock::starting_at(Timestamp::UNIX_EPOCH);
        let nap = |time| {
            async move |clock: &TestClock| {
                clock.sleep(seconds(time)).await;
                clock.monotonic()
            }
        };
        let (late, early) = run(&clock, join(nap(1_209_600)(&clock), nap(1)(&clock)));
        assert_eq!((late, early), (seconds(1_209_600), seconds(1)));
    }

    #[test]
    fn a_wait_for_nothing_is_a_deadlock() {
        let clock = TestClock::starting_at(Timestamp::UNIX_EPOCH);
        let never = std::future::pending::<()>();
        assert_eq!(run_until(&clock, || false, never), Err(Stopped::Deadlock));
    }

    #[test]
    fn a_sleeper_that_is_dropped_does_not_move_the_clock() {
        let clock = TestClock::starting_at(Timestamp::UNIX_EPOCH);
        let dropped = async {
            futures_util::future::select(clock.sleep(seconds(10)), clock.sleep(seconds(500))).await;
        };
        run(&clock, dropped);
        assert_eq!(clock.monotonic(), seconds(10));
        assert!(!clock.advance_to_next_sleeper());
    }

    #[test]
    fn a_killed_future_stops_where_it_stands() {
        let clock = TestClock::starting_at(Timestamp::UNIX_EPOCH);
        let endless = async {
            loop {
                clock.sleep(seconds(1)).await;
            }
        };
        let killed = run_until(&clock, || clock.monotonic() >= seconds(5), endless);
        assert_eq!(killed, Err::<(), _>(Stopped::Killed));
        assert_eq!(clock.monotonic(), seconds(5));
    }
}
