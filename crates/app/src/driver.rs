//! The loop that moves one rotation. It knows no credential: claim, load, next, journal the intent, act through a port, journal
//! the outcome, again.

mod act;
mod canary;
mod ledger;
mod look;
mod memory;
mod patience;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::RotationId;
use keywheel_domain::plan::{Action, Step};
use keywheel_domain::ports::PortError;
use keywheel_domain::rotation::{Event, Failure, Judgement, Next, Outcome, Question, Remedy, Rotation};

use crate::error::AppError;
use crate::facade::Keywheel;
use crate::progress::Progress;
use crate::wiring::Wiring;
use canary::CanaryWatch;
use ledger::Ledger;
use memory::Memory;

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
    memory: Memory,
    canary: CanaryWatch,
}

impl Keywheel {
    /// Moves a rotation until it rests, asks, or waits for longer than `patience`. Cancelling the future is as good as a crash:
    /// whoever drives next goes on where it stood.
    ///
    /// # Errors
    /// Where another driver holds it, or the journal fails. A backend that fails is no error: it is retried, and the rotation
    /// comes to rest as stuck in the end.
    pub async fn drive(&self, rotation: &RotationId, patience: SignedDuration) -> Result<Driven, AppError> {
        let ledger = Ledger::claim(self, rotation).await?;
        let wiring = self.wiring(ledger.rotation().credential())?;
        let now = self.now();
        let last = ledger.rotation().last_at();
        if now < last.saturating_sub(TOLERATED_SKEW).unwrap_or(Timestamp::MIN) {
            return Err(AppError::ClockWentBack { now, last });
        }
        let mut driver = Driver {
            app: self,
            wiring,
            ledger,
            memory: Memory::default(),
            canary: CanaryWatch::default(),
        };
        driver.run(patience).await
    }
}

impl Driver<'_> {
    async fn run(&mut self, patience: SignedDuration) -> Result<Driven, AppError> {
        loop {
            let now = self.now();
            let driven = match self.rotation().next(now) {
                Next::Rest(outcome) => {
                    self.rest(outcome).await;
                    Driven::Rested(outcome)
                }
                Next::Ask(question) => Driven::Asks(question),
                Next::Act { action, attempt } => {
                    self.act(&action, attempt).await?;
                    continue;
                }
                Next::Look { action } => match self.look(&action).await? {
                    None => continue,
                    Some(hold) if hold.earliest > self.patient_until(patience) => Driven::Waits {
                        until: hold.earliest,
                        look_again: hold.until,
                        why: hold.why,
                    },
                    Some(hold) => {
                        self.wait(hold.until, hold.earliest, &hold.why).await?;
                        continue;
                    }
                },
                Next::Wait { until, why } if until > self.patient_until(patience) => Driven::Waits {
                    until,
                    look_again: until,
                    why,
                },
                Next::Wait { until, why } => {
                    self.wait(until, until, &why).await?;
                    continue;
                }
            };
            self.measure();
            self.ledger.release(&driven).await?;
            return Ok(driven);
        }
    }

    fn rotation(&self) -> &Rotation {
        self.ledger.rotation()
    }

    fn now(&self) -> Timestamp {
        self.app.now()
    }

    fn patient_until(&self, patience: SignedDuration) -> Timestamp {
        self.now().saturating_add(patience).unwrap_or(Timestamp::MAX)
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
        self.notice(&Progress::Failed {
            action,
            message: &failure.message,
        });
        let remedy = self.rotation().remedy(&failure, attempt, self.now());
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
            let reason = self.rotation().failures().last().cloned().unwrap_or_default();
            if let Err(error) = self.tell(format!("stuck: {reason}"), true).await {
                tracing::warn!(rotation.id = %self.rotation().id(), error = %error.chain(), "nobody could be told that the rotation is stuck");
            }
        }
    }
}
