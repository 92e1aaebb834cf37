//! How a word gets to a rotation that somebody else may be driving.

use jiff::SignedDuration;
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Append, JournalError, Lease};
use keywheel_domain::rotation::{Entry, Event, Rotation};

use crate::driver::knock_every;
use crate::error::AppError;
use crate::facade::Keywheel;
use crate::progress::Progress;

impl Keywheel {
    /// Appends what somebody said. A driver lets others in whenever it waits; a step that is under way has to end first.
    pub(crate) async fn say(&self, id: &RotationId, event: Event) -> Result<(), AppError> {
        let lease = self.get_in(id).await?;
        let said = self.say_holding(&lease, id, event).await;
        // What was refused must not keep others out either, until the lease runs out.
        let released = self.journal().release(&lease, Some(self.now())).await;
        said?;
        Ok(released?)
    }

    /// The lease, as soon as whoever has it lets others in.
    async fn get_in(&self, id: &RotationId) -> Result<Lease, AppError> {
        let clock = &self.inner.ports.clock;
        let mut door: Option<Door> = None;
        loop {
            let (now, ttl) = (self.now(), self.inner.lease);
            let (holder, until) = match self.journal().claim(id, &self.inner.speaker, now, ttl).await {
                Ok(lease) => return Ok(lease),
                Err(JournalError::Held { holder, until }) => (holder, until),
                Err(other) => return Err(other.into()),
            };
            let at = match door.take() {
                Some(door) => door,
                None => {
                    let rotation = self.rotation(id).await?;
                    let progress = Progress::Elsewhere { holder: &holder, until };
                    self.inner.observer.notice(&rotation, &progress);
                    Door::of(&rotation, clock.monotonic(), ttl)
                }
            };
            if clock.monotonic() >= at.give_up {
                return Err(JournalError::Held { holder, until }.into());
            }
            clock.sleep(at.knock_every).await;
            door = Some(at);
        }
    }

    async fn say_holding(&self, lease: &Lease, id: &RotationId, event: Event) -> Result<(), AppError> {
        let rotation = self.rotation(id).await?;
        self.trust_clock(&rotation)?;
        let after = rotation.sequence();
        let entry = Entry {
            sequence: after.next(),
            at: self.now().max(rotation.last_at()),
            event,
        };
        rotation.apply(&entry).map_err(AppError::NotNow)?;
        let append = Append {
            lease: lease.clone(),
            after,
            entries: vec![entry],
            credential: None,
            wake: Some(self.now()),
        };
        Ok(self.journal().append(&append).await?)
    }
}

/// How one waits to be let in.
struct Door {
    knock_every: SignedDuration,
    give_up: SignedDuration,
}

impl Door {
    /// A driver that waits opens for the length of a poll, one that died when its lease ends, and one that acts when the step does.
    fn of(rotation: &Rotation, now: SignedDuration, lease: SignedDuration) -> Self {
        let longest_step = rotation.plan().limits().step_timeout;
        Self {
            knock_every: knock_every(rotation, lease),
            give_up: now.saturating_add(lease).saturating_add(longest_step),
        }
    }
}
