//! Time limits on a server that may never answer. They belong to the connections of this crate, not to a rotation, so that the
//! `Clock` of the driver does not know them.

use std::time::Duration;

use jiff::SignedDuration;

/// What the work came to; `None` where it took too long, and was dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "a connection that hangs has to be given up in real time, whatever time the driver lives in"
)]
pub(crate) async fn within<T>(limit: SignedDuration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(real(limit), work).await.ok()
}

/// A pause before the next try to connect.
#[expect(
    clippy::disallowed_methods,
    reason = "a server starts in real time, whatever time the driver lives in"
)]
pub(crate) async fn pause(time: SignedDuration) {
    tokio::time::sleep(real(time)).await;
}

fn real(time: SignedDuration) -> Duration {
    time.max(SignedDuration::ZERO).unsigned_abs()
}
