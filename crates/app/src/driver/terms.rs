//! On which terms a rotation is driven.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;

/// How long a driver stays with its rotation, and how it gets on with others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    patience: SignedDuration,
    /// Says when the scheduler to whom the driver belongs wants it to end; `None` where somebody drives this one rotation.
    over: Option<&'a AtomicBool>,
}

impl<'a> Terms<'a> {
    /// Somebody drives this one rotation, and stays with it.
    pub(crate) fn alone(patience: SignedDuration) -> Self {
        Self { patience, over: None }
    }

    /// A scheduler has others to drive: it follows nobody, and comes back where a wait is long.
    pub(crate) fn scheduled(patience: SignedDuration, over: &'a AtomicBool) -> Self {
        let over = Some(over);
        Self { patience, over }
    }

    /// The longest wait that is waited for.
    pub(crate) fn patience(&self) -> SignedDuration {
        self.patience
    }

    /// How long another driver that took over is followed.
    pub(crate) fn follow(&self) -> SignedDuration {
        match self.over {
            Some(_) => SignedDuration::ZERO,
            None => self.patience,
        }
    }

    /// Whether the same process looks at the rotation again before long.
    pub(crate) fn comes_back(&self) -> bool {
        self.over.is_some()
    }

    /// Whether it is to end as soon as it can without leaving a step in the middle.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some_and(|over| over.load(Ordering::Relaxed))
    }
}
