//! Where faults happen.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{Clock, ErrorKind, PortError};

use super::plan::{Fault, FaultPlan};
use crate::clock::TestClock;
use crate::world::World;

/// How late a late answer is.
const LATE: SignedDuration = SignedDuration::from_secs(90);
/// More calls than any honest run makes: a driver that makes more runs in circles.
const MOST_CALLS: usize = 20_000;

/// What a call can do, and so which faults it can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It changes something.
    Changes,
    /// It changes nothing. Whether it fails before or after nothing makes no difference.
    Looks,
    /// It changes nothing and cannot fail: a health check, whose failure is a verdict.
    Samples,
    /// It returns at once: it can fail, and neither hang nor be late.
    Instant,
}

impl Class {
    /// The faults that make a difference at such a call, other than crashes.
    pub fn faults(self) -> &'static [Fault] {
        use Fault::{Hang, Late, Lost, Mute, Permanent, Transient};
        match self {
            Self::Changes => &[Transient, Lost, Hang, Mute, Late, Permanent],
            Self::Looks => &[Transient, Hang, Late, Permanent],
            Self::Samples => &[Transient, Hang, Late],
            Self::Instant => &[Permanent],
        }
    }
}

/// One call that passed the gate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// Which port.
    pub port: &'static str,
    /// Which of its methods.
    pub method: &'static str,
    /// What it can do.
    pub class: Class,
    /// When it arrived.
    pub at: Timestamp,
    /// The world's epoch when it arrived: two crashes in one epoch leave the same behind.
    pub before: u64,
    /// The world's epoch when its answer was on its way; that of its arrival where it never got so far.
    pub after: u64,
    /// What it met.
    pub fault: Option<Fault>,
}

/// Counts the calls of all ports, and has them fail by plan.
#[derive(Debug)]
pub struct Gate {
    clock: Arc<TestClock>,
    world: World,
    plan: FaultPlan,
    /// How many calls there were before.
    first: usize,
    passed: Mutex<Passed>,
}

#[derive(Debug, Default)]
struct Passed {
    calls: Vec<Call>,
    killed: bool,
    overrun: bool,
}

impl Gate {
    /// A gate in front of that company, with that plan, where that many calls were made before.
    pub fn new(world: &World, plan: FaultPlan, first: usize) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(world.clock()),
            world: world.clone(),
            plan,
            first,
            passed: Mutex::default(),
        })
    }

    /// Whether the process was killed and has not been started again.
    pub fn is_down(&self) -> bool {
        self.lock().killed
    }

    /// Starts the process again.
    pub fn restart(&self) {
        self.lock().killed = false;
    }

    /// Whether more calls were made than any honest run makes.
    pub fn is_overrun(&self) -> bool {
        self.lock().overrun
    }

    /// Every call that passed it.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many calls there were, before it and through it.
    pub fn count(&self) -> usize {
        self.first + self.lock().calls.len()
    }

    /// A call that changes or looks.
    pub(super) async fn pass<T, E: From<PortError>>(
        &self,
        (port, method, class): (&'static str, &'static str, Class),
        gossip: Option<&str>,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let (index, fault) = self.arrive(port, method, class);
        match fault {
            Some(Fault::Transient) => return Err(self.failure(port, method, gossip, true).into()),
            Some(Fault::Permanent) => return Err(self.failure(port, method, gossip, false).into()),
            Some(Fault::Hang | Fault::Crash) => pending::<()>().await,
            _ => {}
        }
        let answer = call.await;
        self.leave(index);
        match fault {
            Some(Fault::Lost) => Err(self.failure(port, method, gossip, true).with_unknown_effect().into()),
            Some(Fault::Mute) => pending().await,
            Some(Fault::Late) => {
                self.clock.sleep(LATE).await;
                answer
            }
            Some(Fault::Crashed) => {
                self.lock().killed = true;
                pending().await
            }
            _ => answer,
        }
    }

    /// A call that returns at once.
    pub(super) fn pass_at_once<T>(
        &self,
        (port, method): (&'static str, &'static str),
        call: impl FnOnce() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let (index, fault) = self.arrive(port, method, Class::Instant);
        if fault.is_some() {
            return Err(self.failure(port, method, None, false));
        }
        let answer = call();
        self.leave(index);
        answer
    }

    fn arrive(&self, port: &'static str, method: &'static str, class: Class) -> (usize, Option<Fault>) {
        let (at, epoch) = self.world.look(|state| (state.now, state.epoch));
        let mut passed = self.lock();
        let index = passed.calls.len();
        let fault = self.plan.at(self.first + index);
        if index >= MOST_CALLS {
            passed.overrun = true;
        }
        passed.killed |= fault == Some(Fault::Crash) || passed.overrun;
        passed.calls.push(Call {
            port,
            method,
            class,
            at,
            before: epoch,
            after: epoch,
            fault,
        });
        (index, fault)
    }

    fn leave(&self, index: usize) {
        let epoch = self.world.look(|state| state.epoch);
        self.lock().calls[index].after = epoch;
    }

    /// The error of a backend that does not know what must not be said: it repeats the secret that it was given.
    fn failure(&self, port: &str, method: &str, gossip: Option<&str>, passing: bool) -> PortError {
        let message = gossip.map_or_else(
            || format!("{port} did not {method}"),
            |secret| format!("{port} did not {method} with {secret:?}"),
        );
        if passing {
            PortError::transient(ErrorKind::Unavailable, message)
        } else {
            PortError::permanent(ErrorKind::Forbidden, message)
        }
    }

    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
