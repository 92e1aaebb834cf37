//! How far something was moved, and what follows from that.

use jiff::Timestamp;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::Due;

use super::{Mode, Shift};
use crate::driver::{CanaryWatch, Driven};
use crate::error::AppError;
use crate::scheduler::hands::{Moved, Moving};
use crate::scheduler::news::News;

impl Shift<'_> {
    pub(super) fn moved(&mut self, moved: Moved) {
        let Moved {
            due,
            credential,
            rotation,
            end,
            canary,
        } = moved;
        self.end(&due);
        self.forget(&due);
        if let Some(id) = &rotation {
            self.remember(id.clone(), credential.clone());
            self.tally.opened += usize::from(matches!(due, Due::Credential(_)));
        }
        match (end, rotation) {
            (Moving::Driven(driven), Some(rotation)) => {
                self.setbacks.recovered(&due);
                self.came_so_far(&credential, rotation, &driven, canary);
            }
            (Moving::NotBefore(at), _) => self.setbacks.set_aside(&due, at),
            (Moving::Failed(error), _) => self.failed(&due, Some(&credential), &error),
            (Moving::Elsewhere | Moving::Driven(_), _) => {
                self.tally.elsewhere += 1;
                let later = self.now().saturating_add(self.rounds.look_every());
                self.setbacks.set_aside(&due, later.unwrap_or(Timestamp::MAX));
            }
        }
    }

    fn came_so_far(&mut self, credential: &CredentialName, rotation: RotationId, driven: &Driven, canary: CanaryWatch) {
        self.tally.count(driven);
        self.hands.reporter.hear(&News::Moved {
            credential,
            rotation: &rotation,
            driven,
        });
        match driven {
            Driven::Waits { until, look_again, .. } => {
                self.waits(&rotation, *until, *look_again);
                self.canaries.insert(rotation, canary);
            }
            Driven::Rested(_) => drop(self.homes.remove(&rotation)),
            Driven::Asks(_) | Driven::Elsewhere { .. } => {}
        }
    }

    fn waits(&mut self, rotation: &RotationId, until: Timestamp, look_again: Timestamp) {
        let (now, elapsed) = (self.now(), self.elapsed());
        let from_now = |at: Timestamp| elapsed.saturating_add(now.duration_until(at));
        if self.mode == Mode::On {
            return self.rounds.look_at(from_now(look_again));
        }
        let due = Due::Rotation(rotation.clone());
        if self
            .soon
            .wait_for(rotation, elapsed, from_now(until), from_now(look_again))
        {
            self.known.remove(&due);
        } else {
            // It is left to the next run.
            self.known.insert(due);
        }
    }

    pub(super) fn failed(&mut self, due: &Due, credential: Option<&CredentialName>, error: &AppError) {
        self.tally.failed += 1;
        let again_at = self.setbacks.failed(due, self.now());
        self.hands.reporter.hear(&News::Failed {
            due,
            credential,
            error,
            again_at: (self.mode == Mode::On).then_some(again_at),
        });
    }
}
