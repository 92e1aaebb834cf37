//! What a proxy does to the connections through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a proxy behaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Behaviour {
    /// Nobody gets through.
    pub(super) cut: bool,
    /// Nothing gets through, for now.
    pub(super) hang: bool,
    /// How long answers take.
    pub(super) delay: Duration,
    /// Which answers get lost.
    pub(super) loss: Loss,
}

/// Which answers get lost.
#[derive(Debug, Clone, Default)]
pub(super) enum Loss {
    /// None.
    #[default]
    Nothing,
    /// The first one of each connection.
    Every,
    /// The one to a request with some text.
    ToRequest(Arc<Trap>),
    /// One with some text.
    OfAnswer(Arc<Trap>),
}

/// Catches the first bytes that contain a text, on whichever connection they come.
#[derive(Debug)]
pub(super) struct Trap {
    text: Vec<u8>,
    open: AtomicBool,
}

impl Trap {
    fn new(text: &[u8]) -> Arc<Self> {
        Arc::new(Self {
            text: text.to_vec(),
            open: AtomicBool::new(true),
        })
    }

    fn catches(&self, bytes: &[u8]) -> bool {
        let there = bytes.windows(self.text.len().max(1)).any(|window| window == self.text);
        there && self.open.swap(false, Ordering::SeqCst)
    }
}

impl Loss {
    /// The answer to the next request with that text.
    pub(super) fn to_request(text: &[u8]) -> Self {
        Self::ToRequest(Trap::new(text))
    }

    /// The next answer with that text.
    pub(super) fn of_answer(text: &[u8]) -> Self {
        Self::OfAnswer(Trap::new(text))
    }

    /// True if the answer to this request is to be lost.
    pub(super) fn dooms(&self, request: &[u8]) -> bool {
        matches!(self, Self::ToRequest(trap) if trap.catches(request))
    }

    /// True if this answer is to be lost.
    pub(super) fn takes(&self, answer: &[u8]) -> bool {
        match self {
            Self::Nothing | Self::ToRequest(_) => false,
            Self::Every => true,
            Self::OfAnswer(trap) => trap.catches(answer),
        }
    }
}
