//! One run of a scheduler: what is due goes into lines, and from there to as many workers as there may be.

mod found;
mod moved;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::Due;

use super::Scheduler;
use super::hands::{Hands, Happened};
use super::news::{News, Reporter, Tally};
use super::overdue::Overdue;
use super::queue::{Place, Queue};
use super::rounds::{COUNT_EVERY, Idle, Rounds};
use super::setbacks::Setbacks;
use super::soon::Soon;
use crate::driver::CanaryWatch;
use crate::error::AppError;

/// What is held up for longer than this behind its bulkhead takes no worker from others any more.
const HELD_UP: SignedDuration = SignedDuration::from_secs(2);
/// Rotations of others come and go: what was learned about them is forgotten now and then, and read again where it matters.
const MOST_HOMES: usize = 100_000;
/// How long steps that are under way may take to end once the scheduler is stopped.
const WIND_DOWN: SignedDuration = SignedDuration::from_secs(5);

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// When everything that is due was moved once.
    Once,
    /// When it is stopped.
    On,
}

pub(super) struct Shift<'a> {
    hands: Hands<'a>,
    mode: Mode,
    workers: usize,
    queue: Queue,
    running: FuturesUnordered<BoxFuture<'a, Happened>>,
    /// What is being moved: where, and since when.
    moving: BTreeMap<Due, (Place, SignedDuration)>,
    /// What is in a line or being moved, and in a run that ends, also what was.
    known: BTreeSet<Due>,
    /// What belongs to credentials that are not wired here.
    foreign: BTreeSet<Due>,
    setbacks: Setbacks,
    /// The credentials of rotations that were seen, so that each is looked up once.
    homes: BTreeMap<RotationId, CredentialName>,
    /// What canaries measured and nobody wrote down yet.
    canaries: BTreeMap<RotationId, CanaryWatch>,
    rounds: Rounds,
    /// Whether it could look once.
    has_seen: bool,
    /// In a run that ends: what is waited for.
    soon: Soon,
    overdue: Overdue,
    tally: Tally,
    /// When what still runs is left where it stands; `None` until somebody stops the run.
    ends_at: Option<SignedDuration>,
    blinded: Option<AppError>,
}

impl<'a> Shift<'a> {
    pub(super) fn new(scheduler: &'a Scheduler, reporter: &'a dyn Reporter, over: &'a AtomicBool, mode: Mode) -> Self {
        Self {
            hands: Hands {
                app: &scheduler.app,
                requested_by: &scheduler.requested_by,
                reporter,
                over,
            },
            mode,
            workers: scheduler.workers,
            queue: Queue::new(scheduler.per_bulkhead),
            running: FuturesUnordered::new(),
            moving: BTreeMap::new(),
            known: BTreeSet::new(),
            foreign: BTreeSet::new(),
            setbacks: Setbacks::default(),
            homes: BTreeMap::new(),
            canaries: BTreeMap::new(),
            rounds: Rounds::new(mode, scheduler.look_every),
            has_seen: false,
            soon: Soon::new(scheduler.patience),
            overdue: Overdue::default(),
            tally: Tally::default(),
            ends_at: None,
            blinded: None,
        }
    }

    pub(super) async fn run(mut self, stop: impl Future<Output = ()> + Send) -> Result<Tally, AppError> {
        let mut stop = pin!(stop.fuse());
        while !self.is_done() {
            self.send_out();
            let mut rest = self.rest();
            select_biased! {
                () = stop => self.stop(),
                happened = self.running.select_next_some() => self.take_in(happened),
                () = rest => {}
            }
        }
        self.tally.stopped = self.ends_at.is_some();
        if let Some(error) = self.blinded {
            return Err(error);
        }
        if !self.tally.stopped {
            self.tally.overdue = self.hands.app.overdue().await?;
        }
        Ok(self.tally)
    }

    fn now(&self) -> Timestamp {
        self.hands.app.now()
    }

    fn elapsed(&self) -> SignedDuration {
        self.hands.app.inner.ports.clock.monotonic()
    }

    fn is_done(&self) -> bool {
        match self.ends_at {
            Some(at) => self.moving.is_empty() || self.elapsed() >= at,
            None => {
                let idle = self.moving.is_empty() && self.queue.waiting() == 0 && self.soon.is_empty();
                self.mode == Mode::Once && idle && self.rounds.are_over()
            }
        }
    }

    /// What is begun is brought to the end of its step; nothing else is begun.
    fn stop(&mut self) {
        self.hands.over.store(true, Ordering::Relaxed);
        self.queue.clear();
        self.ends_at = Some(self.elapsed().saturating_add(WIND_DOWN));
    }

    /// Sends out whoever has something to do.
    fn send_out(&mut self) {
        if self.ends_at.is_some() {
            return;
        }
        while let Some(rotation) = self.soon.next(self.elapsed()) {
            self.queue_up(Due::Rotation(rotation));
        }
        while self.busy() < self.workers {
            let Some((place, due)) = self.queue.next() else { break };
            self.moving.insert(due.clone(), (place, self.elapsed()));
            let future = self.future(due);
            self.running.push(future);
        }
        if self.rounds.look(self.elapsed(), self.queue.waiting(), self.idle()) {
            // What is known may still be due, and must not hide what is not.
            let known = self.known.len() + self.foreign.len() + self.setbacks.len();
            let look = self.hands.look(self.rounds.more_than(known), !self.has_seen);
            self.running.push(look.boxed());
        }
        if self.rounds.count(self.elapsed()) {
            self.running.push(self.hands.count().boxed());
        }
    }

    fn idle(&self) -> Idle {
        match self.busy() {
            _ if self.moving.is_empty() => Idle::All,
            busy if busy < self.workers => Idle::Some,
            _ => Idle::Nobody,
        }
    }

    fn future(&mut self, due: Due) -> BoxFuture<'a, Happened> {
        match due {
            Due::Credential(name) => self.hands.begin(name).boxed(),
            Due::Rotation(id) => match self.homes.get(&id).cloned() {
                None => self.hands.locate(id).boxed(),
                Some(credential) => {
                    let canary = self.canaries.remove(&id).unwrap_or_default();
                    self.hands.go_on(id, credential, canary).boxed()
                }
            },
        }
    }

    /// How many workers are at work. Who is held up behind a bulkhead counts there, and not among the workers.
    fn busy(&self) -> usize {
        let now = self.elapsed();
        let works =
            |(place, since): &&(Place, SignedDuration)| !matches!(place, Place::Bulkhead(_)) || now - *since < HELD_UP;
        self.moving.values().filter(works).count()
    }

    /// Until something has to be done although nothing happens.
    fn rest(&self) -> impl futures_util::future::FusedFuture<Output = ()> + use<'a> {
        let now = self.elapsed();
        let held_up = self.moving.values().map(|(_, since)| *since + HELD_UP);
        let held_up = held_up.filter(|at| self.queue.waiting() > 0 && *at > now).min();
        let (rounds, soon) = match self.ends_at {
            Some(_) => (None, None),
            None => (self.rounds.next_at(), self.soon.next_at()),
        };
        let until = [held_up, rounds, soon, self.ends_at].into_iter().flatten().min();
        let clock = &self.hands.app.inner.ports.clock;
        async move {
            match until {
                Some(at) => clock.sleep((at - now).max(SignedDuration::ZERO)).await,
                None => std::future::pending().await,
            }
        }
        .boxed()
        .fuse()
    }

    fn take_in(&mut self, happened: Happened) {
        match happened {
            Happened::Looked { asked, found } => self.looked(asked, found),
            Happened::Located { rotation, credential } => self.located(rotation, credential),
            Happened::Moved(moved) => self.moved(*moved),
            Happened::Counted(Ok(overdue)) => {
                if overdue != self.overdue {
                    self.hands.reporter.hear(&News::Overdue(&overdue));
                }
                self.overdue = overdue;
            }
            Happened::Counted(Err(error)) => self.cannot_see(error, COUNT_EVERY),
        }
    }

    fn cannot_see(&mut self, error: AppError, pause: SignedDuration) {
        if self.mode == Mode::Once {
            self.blinded.get_or_insert(error);
            return;
        }
        let again_at = self.now().saturating_add(pause);
        self.hands.reporter.hear(&News::Blind {
            error: &error,
            again_at: again_at.unwrap_or(Timestamp::MAX),
        });
    }

    fn remember(&mut self, rotation: RotationId, credential: CredentialName) {
        if self.homes.len() >= MOST_HOMES {
            self.homes.clear();
        }
        self.homes.insert(rotation, credential);
    }

    fn end(&mut self, due: &Due) {
        if let Some((place, _)) = self.moving.remove(due) {
            self.queue.left(&place);
        }
    }

    /// In a run that ends nothing is moved a second time, other than what it waits for.
    fn forget(&mut self, due: &Due) {
        if self.mode == Mode::On {
            self.known.remove(due);
        }
    }
}
