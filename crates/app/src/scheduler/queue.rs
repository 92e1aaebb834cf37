//! What is due and waits for a worker: a line for each place, and a turn for each line.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::Due;

/// Where something is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the journal, because it is not known yet which credential the rotation belongs to.
    Journal,
    /// Behind the bulkhead of that name.
    Bulkhead(String),
    /// Where no other credential is.
    Own(CredentialName),
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Due>,
    running: usize,
}

/// The lines. Within each, what was due first comes first.
#[derive(Debug)]
pub(super) struct Queue {
    lines: BTreeMap<Place, Line>,
    last: Option<Place>,
    waiting: usize,
    most: usize,
}

impl Queue {
    /// Empty lines, where that many may run at one place.
    pub(super) fn new(most: usize) -> Self {
        Self {
            lines: BTreeMap::new(),
            last: None,
            waiting: 0,
            most,
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn push(&mut self, place: Place, due: Due) {
        self.lines.entry(place).or_default().waiting.push_back(due);
        self.waiting += 1;
    }

    /// The next one whose place has room. It runs there until [`Queue::left`] says that it does not any more.
    pub(super) fn next(&mut self) -> Option<(Place, Due)> {
        if self.waiting == 0 {
            return None;
        }
        let place = self.next_place()?;
        let line = self.lines.get_mut(&place)?;
        let due = line.waiting.pop_front()?;
        line.running += 1;
        self.waiting -= 1;
        self.last = Some(place.clone());
        Some((place, due))
    }

    /// The first place after the last one at which something waits and has room.
    fn next_place(&self) -> Option<Place> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.lines.range::<Place, _>((after, Bound::Unbounded));
        let again = self.lines.iter();
        let mut places = later.chain(again);
        let found = places.find(|(_, line)| line.running < self.most && !line.waiting.is_empty());
        found.map(|(place, _)| place.clone())
    }

    /// One that ran there does not any more.
    pub(super) fn left(&mut self, place: &Place) {
        if let Some(line) = self.lines.get_mut(place) {
            line.running = line.running.saturating_sub(1);
            if line.running == 0 && line.waiting.is_empty() {
                self.lines.remove(place);
            }
        }
    }

    /// Forgets everything that waits.
    pub(super) fn clear(&mut self) {
        self.lines.values_mut().for_each(|line| line.waiting.clear());
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(name: &str) -> Due {
        Due::Credential(name.parse().unwrap())
    }

    fn behind(name: &str) -> Place {
        Place::Bulkhead(name.to_owned())
    }

    fn names(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.next())
            .map(|(_, due)| match due {
                Due::Credential(name) => name.to_string(),
                Due::Rotation(id) => id.to_string(),
            })
            .collect()
    }

    #[test]
    fn every_place_has_its_turn_and_no_more_than_its_room() {
        let mut queue = Queue::new(2);
        for name in ["a1", "a2", "a3", "b1", "c1"] {
            queue.push(behind(&name[..1]), due(name));
        }
        assert_eq!(names(&mut queue), ["a1", "b1", "c1", "a2"]);
        assert_eq!(queue.waiting(), 1);
        queue.left(&behind("b"));
        assert_eq!(names(&mut queue), Vec::<String>::new());
        queue.left(&behind("a"));
        assert_eq!(names(&mut queue), ["a3"]);
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn a_place_where_nothing_is_any_more_is_forgotten() {
        let mut queue = Queue::new(1);
        queue.push(behind("a"), due("a1"));
        queue.push(behind("b"), due("b1"));
        assert_eq!(names(&mut queue), ["a1", "b1"]);
        queue.left(&behind("a"));
        queue.push(behind("b"), due("b2"));
        queue.clear();
        queue.left(&behind("b"));
        assert!(queue.lines.is_empty());
    }
}
