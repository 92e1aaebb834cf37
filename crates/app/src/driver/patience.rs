//! Time limits around calls, and long waits in short pieces between which others get a word in.

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{Effect, ErrorKind, JournalError, PortError, Retry};
use keywheel_domain::rotation::Rotation;

use super::{Driven, Driver};
use crate::error::AppError;
use crate::facade::Keywheel;
use crate::progress::Progress;

/// While a driver only waits, nobody who has something to say is kept out for longer than this.
const LONGEST_SHUT: SignedDuration = SignedDuration::from_secs(1);
/// How often a waiting driver tries to get back to its journal: with the usual pauses, for a quarter of an hour.
const JOURNAL_ATTEMPTS: u32 = 10;

/// How often somebody who has something to say tries the door: a driver that waits opens it for the length of a poll.
pub(crate) fn knock_every(rotation: &Rotation, lease: SignedDuration) -> SignedDuration {
    let poll = rotation.plan().limits().poll;
    (poll / 4).min(lease / 12).max(SignedDuration::from_millis(10))
}

/// The call's result, or after `limit` a time-out whose effect is unknown.
pub(super) async fn within<T>(
    app: &Keywheel,
    limit: SignedDuration,
    call: impl Future<Output = Result<T, PortError>> + Send,
) -> Result<T, PortError> {
    let call = std::pin::pin!(call);
    match select(call, app.inner.ports.clock.sleep(limit)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => {
            let message = format!("no answer within {limit:#}; raise `step_timeout` if it needs longer");
            Err(PortError::transient(ErrorKind::TimedOut, message).with_unknown_effect())
        }
    }
}

impl Driver<'_> {
    /// Waits until that moment, in pieces: after each the canary authenticates, and what others said meanwhile counts. `Some` where
    /// another driver has taken over.
    pub(super) async fn wait(
        &mut self,
        until: Timestamp,
        earliest: Timestamp,
        why: &str,
    ) -> Result<Option<Driven>, AppError> {
        self.ledger.flush().await?;
        self.notice(&Progress::Waiting { until: earliest, why });
        let left = self.now().duration_until(until);
        let piece = left.min(self.tick()).max(SignedDuration::ZERO);
        if !self.pause(piece).await
            && let Some(elsewhere) = self.come_back().await?
        {
            return Ok(Some(elsewhere));
        }
        self.sing().await;
        // A wait may last for days: only a refusal is worth an entry of its own.
        if self.canary.last_refusal().is_some() {
            self.measure();
        }
        Ok(None)
    }

    /// Whether it was busy for so long that somebody may wait to be heard before the next step.
    pub(super) fn keeps_others_out(&self) -> bool {
        self.app.inner.ports.clock.monotonic() - self.open_at >= self.app.inner.lease
    }

    /// Lets them in between two steps, for as long as it takes them to notice. `Some` where another driver has taken over.
    pub(super) async fn let_others_in(&mut self) -> Result<Option<Driven>, AppError> {
        self.ledger.flush().await?;
        let knock = knock_every(self.rotation(), self.app.inner.lease);
        self.pause(knock * 3 / 2).await;
        self.come_back().await
    }

    /// Sleeps, and lets others in meanwhile where they were kept out for long. `false` where the lease has to be taken back after
    /// it, or the journal to be read again.
    async fn pause(&mut self, time: SignedDuration) -> bool {
        let clock = &self.app.inner.ports.clock;
        let kept_out = clock.monotonic() - self.open_at;
        if kept_out.saturating_add(time) < LONGEST_SHUT {
            clock.sleep(time).await;
            self.ledger.renew().await;
            return self.ledger.is_current();
        }
        self.ledger.let_go(time).await;
        clock.sleep(time).await;
        self.open_at = clock.monotonic();
        false
    }

    /// Takes the lease back, with what was said meanwhile. Another driver that took over is followed for as long as the terms
    /// allow: `Some` after that.
    async fn come_back(&mut self) -> Result<Option<Driven>, AppError> {
        let follow_until = self.now().saturating_add(self.terms.follow());
        let follow_until = follow_until.unwrap_or(Timestamp::MAX);
        let mut failures = 0;
        loop {
            let pause = match self.ledger.take_back().await {
                Ok(()) => return Ok(None),
                Err(AppError::Journal(JournalError::Held { holder, until })) => {
                    self.canary.hand_over();
                    if self.now() >= follow_until || self.terms.is_over() {
                        return Ok(Some(Driven::Elsewhere { holder, until }));
                    }
                    self.notice(&Progress::Elsewhere { holder: &holder, until });
                    self.tick()
                }
                Err(error) => {
                    failures += 1;
                    match self.try_again_in(&error, failures) {
                        Some(pause) => pause,
                        None => return Err(error),
                    }
                }
            };
            self.app.inner.ports.clock.sleep(pause).await;
        }
    }

    /// While it waits a rotation is safe without its journal, so that one may be away for longer than in the middle of a step.
    fn try_again_in(&self, error: &AppError, failures: u32) -> Option<SignedDuration> {
        let (AppError::Journal(JournalError::Storage(storage)) | AppError::Port(storage)) = error else {
            return None;
        };
        let hopeless = storage.retry == Retry::Never && storage.effect == Effect::None;
        if hopeless || failures >= JOURNAL_ATTEMPTS {
            return None;
        }
        tracing::warn!(rotation.id = %self.rotation().id(), error = %storage.chain(), "the journal cannot be reached; trying again");
        Some(self.rotation().plan().limits().retry.pause(failures))
    }

    /// How often something has to happen while nothing happens.
    pub(super) fn tick(&self) -> SignedDuration {
        let poll = self.rotation().plan().limits().poll;
        let piece = poll.min(self.app.inner.lease / 3);
        piece.max(SignedDuration::from_millis(20))
    }
}
