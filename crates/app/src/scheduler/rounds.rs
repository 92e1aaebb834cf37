//! When a scheduler looks what is due.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::shift::Mode;

/// How many things that are not known yet are asked for at once.
const BATCH: usize = 512;
/// How often it is counted what is overdue: that reads the whole inventory.
pub(super) const COUNT_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// The longest pause between two looks, also after the journal could not be reached.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// However many rotations want to be looked at again, and however soon: their times are put together into so many looks, at the
/// most, between two that are made anyway.
const LOOKS_BETWEEN: i64 = 10;

/// Who has nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    Nobody,
    Some,
    All,
}

#[derive(Debug)]
pub(super) struct Rounds {
    mode: Mode,
    look_every: SignedDuration,
    is_looking: bool,
    /// When it is looked again; in a run that ends, that depends on what was found alone.
    look_at: SignedDuration,
    /// When rotations that this run left waiting want to be looked at again, on a grid. The journal knows it too, and better.
    wakes: BTreeSet<i64>,
    /// Whether the last look found something new, and whether there was more than it asked for.
    found: bool,
    cut: bool,
    /// Whether so many wait that nobody looks before `look_at`.
    crowded: bool,
    count_at: SignedDuration,
    blind_for: SignedDuration,
}

impl Rounds {
    pub(super) fn new(mode: Mode, look_every: SignedDuration) -> Self {
        Self {
            mode,
            look_every,
            is_looking: false,
            look_at: SignedDuration::ZERO,
            wakes: BTreeSet::new(),
            found: true,
            cut: false,
            crowded: false,
            count_at: SignedDuration::ZERO,
            blind_for: SignedDuration::ZERO,
        }
    }

    pub(super) fn look_every(&self) -> SignedDuration {
        self.look_every
    }

    /// How many are asked for where that many are known.
    pub(super) fn more_than(&self, known: usize) -> usize {
        known.saturating_add(BATCH)
    }

    /// Whether it is time to look, where that many wait for a worker and some of the workers have nothing to do. Whoever is told so
    /// looks, and says what it found.
    pub(super) fn look(&mut self, now: SignedDuration, waiting: usize, idle: Idle) -> bool {
        let hungry = self.cut && (waiting < BATCH / 2 || idle != Idle::Nobody);
        let due = match self.mode {
            Mode::Once => self.found && waiting == 0 && idle == Idle::All,
            Mode::On => now >= self.next_look(),
        };
        let looks = !self.is_looking && (hungry || due);
        self.is_looking |= looks;
        looks
    }

    /// Where many wait already there is no hurry to read again that they do.
    pub(super) fn looked(&mut self, now: SignedDuration, found: bool, cut: bool, waiting: usize) {
        self.is_looking = false;
        self.found = found;
        self.cut = cut && found;
        self.blind_for = SignedDuration::ZERO;
        let batches = i32::try_from(waiting / BATCH).unwrap_or(i32::MAX);
        self.crowded = batches > 0;
        let pause = self.look_every.saturating_mul(batches.saturating_add(1));
        self.look_at = now.saturating_add(pause.min(LONGEST_PAUSE.max(self.look_every)));
        self.wakes = self.wakes.split_off(&self.on_grid(now).saturating_add(1));
    }

    /// The journal could not be reached: it is asked again after that time.
    pub(super) fn blind(&mut self, now: SignedDuration) -> SignedDuration {
        self.is_looking = false;
        self.found = false;
        self.blind_for = (self.blind_for * 2).clamp(self.look_every, LONGEST_PAUSE.max(self.look_every));
        self.look_at = now.saturating_add(self.blind_for);
        self.blind_for
    }

    /// A rotation wants to be looked at again then.
    pub(super) fn look_at(&mut self, at: SignedDuration) {
        if self.mode == Mode::On {
            self.wakes.insert(self.on_grid(at).saturating_add(1));
        }
    }

    fn grid(&self) -> i64 {
        let millis = self.look_every.as_millis() / i128::from(LOOKS_BETWEEN);
        i64::try_from(millis).unwrap_or(i64::MAX).max(1)
    }

    fn on_grid(&self, at: SignedDuration) -> i64 {
        i64::try_from(at.as_millis()).unwrap_or(i64::MAX) / self.grid()
    }

    fn next_look(&self) -> SignedDuration {
        if self.crowded {
            return self.look_at;
        }
        let wake = self
            .wakes
            .first()
            .map(|place| SignedDuration::from_millis(place.saturating_mul(self.grid())));
        wake.map_or(self.look_at, |wake| wake.min(self.look_at))
    }

    /// Whether it is time to count what is overdue. A run that ends counts at its end.
    pub(super) fn count(&mut self, now: SignedDuration) -> bool {
        let counts = self.mode == Mode::On && now >= self.count_at;
        if counts {
            self.count_at = now.saturating_add(COUNT_EVERY);
        }
        counts
    }

    /// When it is time for either.
    pub(super) fn next_at(&self) -> Option<SignedDuration> {
        let looks = (!self.is_looking).then(|| self.next_look());
        let counts = Some(self.count_at);
        (self.mode == Mode::On).then(|| looks.into_iter().chain(counts).min())?
    }

    /// Whether there is nothing more to find.
    pub(super) fn are_over(&self) -> bool {
        !self.is_looking && !self.found
    }
}
