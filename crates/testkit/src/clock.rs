//! Time that tests move.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;

/// Called with the new time whenever time has passed, before anybody who slept wakes.
pub type Watcher = Arc<dyn Fn(Timestamp) + Send + Sync>;

/// A clock that stands still until it is advanced: by a test, or by [`executor::run`](crate::executor::run) when everybody
/// sleeps.
pub struct TestClock {
    inner: Mutex<Inner>,
}

struct Inner {
    now: Timestamp,
    monotonic: SignedDuration,
    sleepers: BTreeMap<Alarm, Waker>,
    next: u64,
    watcher: Option<Watcher>,
}

/// When a sleeper wakes, on the monotonic clock, and which of those that wake together was first.
type Alarm = (SignedDuration, u64);

impl TestClock {
    /// A clock that shows that time.
    pub fn starting_at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                now,
                monotonic: SignedDuration::ZERO,
                sleepers: BTreeMap::new(),
                next: 0,
                watcher: None,
            }),
        })
    }

    /// A clock that shows what this one shows and goes its own way from there. Nobody sleeps on it, and nobody watches it.
    #[must_use]
    pub fn fork(&self) -> Arc<Self> {
        let clock = Self::starting_at(self.now());
        clock.lock().monotonic = self.monotonic();
        clock
    }

    /// Has the watcher called whenever time passes. There is one; another one takes its place.
    pub fn watch(&self, watcher: Watcher) {
        self.lock().watcher = Some(watcher);
    }

    /// Lets that time pass, waking everybody whose alarm it reaches.
    pub fn advance(&self, time: SignedDuration) {
        let until = self.lock().monotonic.saturating_add(time);
        self.advance_until(until);
    }

    /// Lets time pass until the earliest sleeper wakes. `false` where nobody sleeps.
    pub fn advance_to_next_sleeper(&self) -> bool {
        let earliest = self.lock().sleepers.keys().next().map(|(at, _)| *at);
        earliest.map(|at| self.advance_until(at)).is_some()
    }

    /// Moves the wall clock alone, forward or back, as an administrator or a broken time server does.
    pub fn jump(&self, by: SignedDuration) {
        let mut inner = self.lock();
        inner.now = inner.now.saturating_add(by).unwrap_or(Timestamp::MAX);
        tell(inner);
    }

    fn alarm_in(&self, time: SignedDuration) -> Alarm {
        let mut inner = self.lock();
        inner.next += 1;
        let until = inner.monotonic.saturating_add(time.max(SignedDuration::ZERO));
        (until, inner.next)
    }

    fn advance_until(&self, at: SignedDuration) {
        let mut inner = self.lock();
        let passed = at.saturating_sub(inner.monotonic).max(SignedDuration::ZERO);
        inner.monotonic = inner.monotonic.saturating_add(passed);
        inner.now = inner.now.saturating_add(passed).unwrap_or(Timestamp::MAX);
        tell(inner);
        let mut inner = self.lock();
        let reached = (inner.monotonic, u64::MAX);
        let asleep = inner.sleepers.split_off(&reached);
        let awake = std::mem::replace(&mut inner.sleepers, asleep);
        drop(inner);
        awake.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watcher may look at the clock, so it is called without the lock.
fn tell(inner: MutexGuard<'_, Inner>) {
    let (now, watcher) = (inner.now, inner.watcher.clone());
    drop(inner);
    if let Some(watcher) = watcher {
        watcher(now);
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestClock({})", self.lock().now)
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> SignedDuration {
        self.lock().monotonic
    }

    async fn sleep(&self, time: SignedDuration) {
        let alarm = self.alarm_in(time);
        Sleep { clock: self, alarm }.await;
    }
}

/// A sleeper. One that is dropped leaves no alarm behind, or the clock would run for nobody.
struct Sleep<'a> {
    clock: &'a TestClock,
    alarm: Alarm,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.clock.lock();
        if inner.monotonic >= self.alarm.0 {
            return Poll::Ready(());
        }
        inner.sleepers.insert(self.alarm, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.alarm);
    }
}
