//! What is due, and where it is moved.

use std::collections::BTreeSet;

use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::Due;

use super::Shift;
use crate::error::AppError;
use crate::scheduler::queue::Place;

impl Shift<'_> {
    pub(super) fn looked(&mut self, asked: usize, found: Result<Vec<Due>, AppError>) {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                let pause = self.rounds.blind(self.elapsed());
                return self.cannot_see(error, pause);
            }
        };
        self.has_seen = true;
        let cut = found.len() >= asked;
        if !cut && !self.foreign.is_empty() {
            let due: BTreeSet<&Due> = found.iter().collect();
            self.foreign.retain(|foreign| due.contains(foreign));
        }
        let mut news = false;
        for due in found {
            news |= self.queue_up(due);
        }
        self.setbacks.tidy(self.now());
        self.rounds.looked(self.elapsed(), news, cut, self.queue.waiting());
    }

    /// Whether it is something new that can be moved here.
    pub(super) fn queue_up(&mut self, due: Due) -> bool {
        let driven_here = matches!(&due, Due::Rotation(id) if self.hands.app.inner.seats.is_taken(id));
        let known = self.known.contains(&due) || self.foreign.contains(&due);
        if driven_here || known || self.setbacks.holds(&due, self.now()) {
            return false;
        }
        let Some(place) = self.place_of(&due) else {
            self.disown(due);
            return false;
        };
        self.known.insert(due.clone());
        self.queue.push(place, due);
        true
    }

    /// Where it is moved; `None` where its credential is not wired here.
    fn place_of(&self, due: &Due) -> Option<Place> {
        let credential = match due {
            Due::Credential(name) => name,
            Due::Rotation(id) => match self.homes.get(id) {
                Some(name) => name,
                None => return Some(Place::Journal),
            },
        };
        match self.hands.app.wiring(credential).map(|wiring| &wiring.bulkhead) {
            Ok(Some(name)) => Some(Place::Bulkhead(name.clone())),
            // What cannot be used fails there, and so it is heard of.
            Ok(None) | Err(AppError::Unusable { .. }) => Some(Place::Own(credential.clone())),
            Err(_) => None,
        }
    }

    fn disown(&mut self, due: Due) {
        self.known.remove(&due);
        if self.foreign.insert(due) {
            self.tally.unmanaged += 1;
        }
    }

    pub(super) fn located(&mut self, rotation: RotationId, credential: Result<CredentialName, AppError>) {
        let due = Due::Rotation(rotation.clone());
        self.end(&due);
        match credential {
            Ok(credential) => {
                self.remember(rotation, credential);
                self.known.remove(&due);
                if self.ends_at.is_none() {
                    self.queue_up(due);
                }
            }
            Err(error) => {
                self.forget(&due);
                self.failed(&due, None, &error);
            }
        }
    }
}
