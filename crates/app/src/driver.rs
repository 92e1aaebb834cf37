//! The loop that moves one rotation. It knows no credential: claim, load, next, journal the intent, act through a port, journal
//! the outcome, again.

mod act;
mod canary;
mod ledger;
mod look;
mod memory;
mod patience;
mod seat;
mod terms;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{DriverId, RotationId};
use keywheel_domain::plan::{Action, Step};
use keywheel_domain::ports::{JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation::{Event, Failure, Judgement, Next, Outcome, Question, Remedy, Rotation};

use crate::error::AppError;
use crate::facade::Keywheel;
use crate::progress::Progress;
use crate::wiring::Wiring;
use ledger::Ledger;
use memory::Memory;
use seat::Seat;

pub(crate) use canary::CanaryWatch;
pub(crate) use patience::knock_every;
pub(crate) use seat::Seats;
pub(crate) use terms::Terms;

/// How far a rotation came while it was driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driven {
    /// It came to rest.
    Rested(Outcome),
    /// Somebody has to say something first.
    Asks(Question),
    /// It waits for longer than the caller wanted to.
    Waits {
        /// Until when, if all stays well.
        until: Timestamp,
        /// When somebody should look at it before that.
        look_again: Timestamp,
        /// For what.
        why: String,
    },
    /// Another driver took it over, and drives it still.
    Elsewhere {
        /// Who.
        holder: DriverId,
        /// Until when, unless it still runs then.
        until: Timestamp,
    },
}

/// What a watched step waits for.
struct Hold {
    until: Timestamp,
    earliest: Timestamp,
    why: String,
}

/// A clock that is behind the journal by more than this is wrong; less is the skew between two machines.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_mins(5);

pub(crate) struct Driver<'a> {
    app: &'a Keywheel,
    wiring: &'a Wiring,
    ledger: Ledger<'a>,
    terms: Terms<'a>,
    memory: Memory,
    canary: CanaryWatch,
    /// When others were let in last, or had their chance before it began.
    open_at: SignedDuration,
    /// Since when it has done nothing but wait.
    idle_since: Option<SignedDuration>,
}

impl Keywheel {
    /// Moves a rotation until it rests, asks, or waits for longer than `patience`. Others get a word in whenever it waits; a driver
    /// that takes it over meanwhile is followed, for as long as `patience` at a time. Cancelling the future is as good as a crash:
    /// whoever drives next goes on where it stood.
    ///
    /// # Errors
    /// Where another driver holds it from the start, or the journal fails. A backend that fails is no error: it is retried, and the
    /// rotation comes to rest as stuck in the end.
    pub async fn drive(&self, rotation: &RotationId, patience: SignedDuration) -> Result<Driven, AppError> {
        let mut canary = CanaryWatch::default();
        self.drive_on(rotation, Terms::alone(patience), &mut canary).await
    }

    /// The same on those terms. The canary goes on counting where it was, and is given back.
    pub(crate) async fn drive_on(
        &self,
        rotation: &RotationId,
        terms: Terms<'_>,
        canary: &mut CanaryWatch,
    ) -> Result<Driven, AppError> {
        let _seat = self.seat(rotation)?;
        let ledger = Ledger::claim(self, rotation).await?;
        self.drive_from(ledger, terms, canary).await
    }

    /// The same from a rotation's very beginning, which this process just wrote.
    pub(crate) async fn drive_opened(
        &self,
        lease: Lease,
        new: NewRotation,
        terms: Terms<'_>,
        canary: &mut CanaryWatch,
    ) -> Result<Driven, AppError> {
        let _seat = self.seat(&lease.rotation)?;
        let ledger = Ledger::opened(self, lease, new)?;
        self.drive_from(ledger, terms, canary).await
    }

    fn seat(&self, rotation: &RotationId) -> Result<Seat<'_>, AppError> {
        let taken = || JournalError::Held {
            holder: self.inner.driver.clone(),
            until: self.now().saturating_add(self.inner.lease).unwrap_or(Timestamp::MAX),
        };
        Ok(self.inner.seats.take(rotation).ok_or_else(taken)?)
    }

    async fn drive_from(
        &self,
        ledger: Ledger<'_>,
        terms: Terms<'_>,
        canary: &mut CanaryWatch,
    ) -> Result<Driven, AppError> {
        let wiring = match self.drivable(ledger.rotation()) {
            Ok(wiring) => wiring,
            Err(error) => {
                ledger.give_up().await;
                return Err(error);
            }
        };
        let mut driver = Driver {
            app: self,
            wiring,
            ledger,
            terms,
            memory: Memory::default(),
            canary: std::mem::take(canary),
            open_at: self.inner.ports.clock.monotonic(),
            idle_since: None,
        };
        let driven = driver.run().await;
        *canary = driver.canary;
        driven
    }

    /// The backends that the rotation needs, unless it must not be moved at all.
    fn drivable(&self, rotation: &Rotation) -> Result<&Wiring, AppError> {
        let wiring = self.wiring(rotation.credential())?;
        self.trust_clock(rotation)?;
        Ok(wiring)
    }

    /// Nothing is written by a clock that is wrong: waits would last too long, and a lease as well.
    pub(crate) fn trust_clock(&self, rotation: &Rotation) -> Result<(), AppError> {
        let (now, last) = (self.now(), rotation.last_at());
        if now < last.saturating_sub(TOLERATED_SKEW).unwrap_or(Timestamp::MIN) {
            return Err(AppError::ClockWentBack { now, last });
        }
        Ok(())
    }
}

impl Driver<'_> {
    async fn run(&mut self) -> Result<Driven, AppError> {
        loop {
            let now = self.now();
            let driven = match self.rotation().next(now) {
                Next::Rest(outcome) => {
                    self.rest(outcome).await;
                    Driven::Rested(outcome)
                }
                Next::Ask(question) => Driven::Asks(question),
                _ if self.terms.is_over() => Driven::Waits {
                    until: now,
                    look_again: now,
                    why: "to be gone on with".to_owned(),
                },
                Next::Act { .. } if self.keeps_others_out() => match self.let_others_in().await? {
                    None => continue,
                    Some(driven) => driven,
                },
                Next::Act { action, attempt } => {
                    self.idle_since = None;
                    self.act(&action, attempt).await?;
                    continue;
                }
                Next::Look { action } => match self.look(&action).await? {
                    None => {
                        self.idle_since = None;
                        continue;
                    }
                    Some(hold) => match self.hold(hold).await? {
                        None => continue,
                        Some(driven) => driven,
                    },
                },
                Next::Wait { until, why } => {
                    let earliest = until;
                    match self.hold(Hold { until, earliest, why }).await? {
                        None => continue,
                        Some(driven) => driven,
                    }
                }
            };
            return self.leave(driven).await;
        }
    }

    /// Waits, unless that takes longer than the caller wants to, all the looks in vain together.
    async fn hold(&mut self, hold: Hold) -> Result<Option<Driven>, AppError> {
        let now = self.app.inner.ports.clock.monotonic();
        let waited = now - *self.idle_since.get_or_insert(now);
        let left = self.terms.patience().saturating_sub(waited);
        let patient_until = self.now().saturating_add(left).unwrap_or(Timestamp::MAX);
        if hold.earliest <= patient_until {
            return self.wait(hold.until, hold.earliest, &hold.why).await;
        }
        if self.terms.comes_back() {
            self.sing_unless_just_heard().await;
        }
        Ok(Some(Driven::Waits {
            until: hold.earliest,
            look_again: hold.until,
            why: hold.why,
        }))
    }

    /// Writes down what is left to write, and gives the lease up.
    async fn leave(&mut self, driven: Driven) -> Result<Driven, AppError> {
        if matches!(driven, Driven::Elsewhere { .. }) {
            return Ok(driven);
        }
        // Who comes back before long goes on counting then: a wait of days is not worth an entry for each look.
        let goes_on = self.terms.comes_back() && matches!(driven, Driven::Waits { .. });
        if !goes_on || self.canary.last_refusal().is_some() {
            self.measure();
        }
        self.ledger.release(&driven).await?;
        Ok(driven)
    }

    fn rotation(&self) -> &Rotation {
        self.ledger.rotation()
    }

    fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// Carries one action out, with its intent journaled before and its outcome after.
    async fn act(&mut self, action: &Step, attempt: u32) -> Result<(), AppError> {
        let existed_before = self.existed_before(action).await;
        let step = self.rotation().position();
        let (existed, early_failure) = match existed_before {
            Ok(existed) => (existed, None),
            Err(error) => (None, Some(error)),
        };
        self.ledger.record(Event::Intended {
            step,
            attempt,
            existed_before: existed,
        })?;
        self.ledger.flush().await?;
        self.notice(&Progress::Began { action, attempt });
        let result = match early_failure {
            Some(error) => Err(error),
            None => self.act_while_watching(action).await,
        };
        self.measure();
        match result {
            Ok(done) => {
                let evidence = self.memory.evidence(done.evidence);
                self.notice(&Progress::Done {
                    action,
                    evidence: &evidence,
                });
                self.ledger.record(Event::Done {
                    step,
                    evidence,
                    attributes: done.attributes,
                })
            }
            Err(error) => self.failed(action, attempt, &error),
        }
    }

    fn failed(&mut self, action: &Action, attempt: u32, error: &PortError) -> Result<(), AppError> {
        let step = self.rotation().position();
        let mut failure = Failure::from(error);
        failure.message = self.memory.text(&failure.message);
        let remedy = self.rotation().remedy(&failure, attempt, self.now());
        self.notice(&Progress::Failed {
            action,
            message: &failure.message,
            retry_at: match remedy {
                Remedy::RetryAt(at) => Some(at),
                Remedy::Unwind(_) | Remedy::Stick(_) => None,
            },
        });
        let reason_to_stop = match remedy {
            Remedy::RetryAt(retry_at) => {
                return self.ledger.record(Event::Failed {
                    step,
                    attempt,
                    failure,
                    retry_at,
                });
            }
            Remedy::Unwind(reason) => Event::Unwinding { reason, by: None },
            Remedy::Stick(reason) => Event::Stuck { reason },
        };
        let retry_at = self.now();
        self.ledger.record(Event::Failed {
            step,
            attempt,
            failure,
            retry_at,
        })?;
        self.stop(reason_to_stop)
    }

    /// Records that the rotation goes back or is stuck, and says so.
    fn stop(&mut self, event: Event) -> Result<(), AppError> {
        if let Event::Unwinding { reason, .. } = &event {
            self.notice(&Progress::Unwinding { reason });
        }
        self.ledger.record(event)
    }

    /// Looks at a watched step. `Some` says until when to wait, and for what.
    async fn look(&mut self, action: &Action) -> Result<Option<Hold>, AppError> {
        let sample = self.memory.sample(self.sample(action).await);
        if let Some(event) = self.rotation().observation(&sample) {
            self.notice(&Progress::Observed {
                action,
                verdict: &sample.verdict,
            });
            self.ledger.record(event)?;
        }
        match self.rotation().judge(&sample, self.now()) {
            Judgement::Hold { until, earliest, why } => return Ok(Some(Hold { until, earliest, why })),
            Judgement::Pass => {
                self.measure();
                self.notice(&Progress::Done {
                    action,
                    evidence: &sample.evidence,
                });
                let step = self.rotation().position();
                let evidence = sample.evidence;
                self.ledger.record(Event::Done {
                    step,
                    evidence,
                    attributes: Default::default(),
                })?;
            }
            Judgement::Unwind(reason) => self.stop(Event::Unwinding { reason, by: None })?,
            Judgement::Stick(reason) => self.stop(Event::Stuck { reason })?,
        }
        Ok(None)
    }

    fn notice(&self, progress: &Progress<'_>) {
        self.app.inner.observer.notice(self.rotation(), progress);
    }

    /// Puts what the canary measured since the last time into the journal's next append.
    fn measure(&mut self) {
        if let Some(event) = self.canary.take() {
            // A rotation that rests takes no entries any more; what was measured after its end does not matter.
            let _ = self.ledger.record(event);
        }
    }

    /// Tells people about a rotation that is stuck. That nobody could be told must not hide why.
    async fn rest(&mut self, outcome: Outcome) {
        self.notice(&Progress::Rested { outcome });
        if outcome == Outcome::Stuck {
            let reason = self.rotation().stuck_because().unwrap_or_default();
            if let Err(error) = self.tell(format!("stuck: {reason}"), true).await {
                tracing::warn!(rotation.id = %self.rotation().id(), error = %error.chain(), "nobody could be told that the rotation is stuck");
            }
        }
    }
}
