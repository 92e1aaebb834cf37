//! No check of a suite takes for ever: what hangs fails by its name.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Longer than a check takes on a busy machine with a server in a container, shorter than a runner of tests waits.
const LONGEST: Duration = Duration::from_secs(90);

/// Runs a check, and fails where it has not ended in time.
///
/// The time is real and is kept by a thread, because a suite knows neither the clock nor the runtime of what it checks. A check
/// that blocks its thread is beyond it, and is for the runner of tests to stop.
///
/// # Panics
/// Where the check does, and where it has not ended in time.
pub async fn in_time<T: Send>(name: &str, check: impl Future<Output = T> + Send) -> T {
    within(name, LONGEST, check).await
}

async fn within<T: Send>(name: &str, longest: Duration, check: impl Future<Output = T> + Send) -> T {
    let alarm = Alarm::after(longest);
    let mut check = pin!(check);
    poll_fn(|context| {
        let polled = check.as_mut().poll(context);
        let late = alarm.has_rung(context.waker());
        assert!(
            polled.is_ready() || !late,
            "{name}: hangs, it has not ended within {longest:?}"
        );
        polled
    })
    .await
}

struct Alarm {
    state: Arc<Mutex<State>>,
    /// Dropped with the alarm, which ends its thread.
    _off: Sender<()>,
}

#[derive(Default)]
struct State {
    rung: bool,
    waker: Option<Waker>,
}

impl Alarm {
    fn after(time: Duration) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (off, turned_off) = channel();
        let alarm = Self {
            state: Arc::clone(&state),
            _off: off,
        };
        std::thread::spawn(move || {
            if turned_off.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                let mut state = lock(&state);
                state.rung = true;
                state.waker.take().iter().for_each(Waker::wake_by_ref);
            }
        });
        alarm
    }

    fn has_rung(&self, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        state.waker = Some(waker.clone());
        state.rung
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::sync_channel;
    use std::task::{Context, Poll, Wake};

    use super::*;

    /// Says when it was woken.
    struct Bell(std::sync::mpsc::SyncSender<()>);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.try_send(());
        }
    }

    #[test]
    fn what_hangs_fails_by_its_name() {
        let (bell, rung) = sync_channel(1);
        let waker = Waker::from(Arc::new(Bell(bell)));
        let mut context = Context::from_waker(&waker);
        let mut hanging = Box::pin(within(
            "a_check",
            Duration::from_millis(1),
            std::future::pending::<()>(),
        ));
        assert!(hanging.as_mut().poll(&mut context).is_pending());
        rung.recv().expect("the alarm wakes whoever waits");
        let failed = catch_unwind(AssertUnwindSafe(|| hanging.as_mut().poll(&mut context))).expect_err("it hangs");
        let message = failed.downcast_ref::<String>().expect("it says what hangs");
        assert!(message.starts_with("a_check: hangs"), "{message}");
    }

    #[test]
    fn what_ends_in_time_gives_its_result() {
        let ended = pin!(in_time("a_check", std::future::ready(7)));
        assert_eq!(ended.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(7));
    }
}
