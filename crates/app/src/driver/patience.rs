//! Time limits around calls, and long waits in short pieces.

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{ErrorKind, PortError};

use super::Driver;
use crate::error::AppError;
use crate::facade::Keywheel;
use crate::progress::Progress;

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
    /// Waits until that moment, in pieces: each renews the lease, and the canary keeps authenticating.
    pub(super) async fn wait(&mut self, until: Timestamp, earliest: Timestamp, why: &str) -> Result<(), AppError> {
        self.ledger.flush().await?;
        self.notice(&Progress::Waiting { until: earliest, why });
        let left = self.now().duration_until(until);
        let piece = left.min(self.tick()).max(SignedDuration::ZERO);
        self.app.inner.ports.clock.sleep(piece).await;
        self.ledger.renew().await;
        self.sing().await;
        // A wait may last for days: only a refusal is worth an entry of its own.
        if self.canary.last_refusal().is_some() {
            self.measure();
        }
        Ok(())
    }

    /// How often something has to happen while nothing happens.
    pub(super) fn tick(&self) -> SignedDuration {
        let poll = self.rotation().plan().limits().poll;
        let piece = poll.min(self.app.inner.lease / 3);
        piece.max(SignedDuration::from_millis(20))
    }
}
