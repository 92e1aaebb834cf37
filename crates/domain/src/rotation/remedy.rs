//! What a failure means for the rotation.

use jiff::Timestamp;

use super::{Failure, Rotation};
use crate::plan::Action;
use crate::ports::{ErrorKind, Retry};

/// What is done about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Try again then.
    RetryAt(Timestamp),
    /// Go back, for that reason.
    Unwind(String),
    /// Stop and tell people, for that reason.
    Stick(String),
}

impl Rotation {
    /// What is done about a failure of the given attempt at the step under the cursor.
    ///
    /// A failure that may pass is retried within the budget. After that the rotation goes back only where the world said no to
    /// the new version, or where nothing has changed yet; in every other case going back would need the same backends that
    /// just failed, and so it is stuck, with everything that works kept working.
    pub fn remedy(&self, failure: &Failure, attempt: u32, now: Timestamp) -> Remedy {
        let retry = &self.plan().limits().retry;
        let pause = match failure.retry {
            Retry::Never => None,
            Retry::Later => Some(retry.pause(attempt)),
            Retry::After(at_least) => Some(at_least.max(retry.pause(attempt))),
        };
        if let Some(pause) = pause.filter(|_| attempt < retry.attempts) {
            return Remedy::RetryAt(now.saturating_add(pause).unwrap_or(Timestamp::MAX));
        }
        let step = self.action().map_or("", Action::name);
        let reason = format!("{step}: {}", failure.message);
        let changed = self.is_exposed() || self.action().is_some_and(Action::has_effect);
        let said_no = matches!(failure.kind, ErrorKind::Refused | ErrorKind::Quota);
        if self.can_unwind() && (said_no || !changed) {
            return Remedy::Unwind(reason);
        }
        Remedy::Stick(reason)
    }
}
