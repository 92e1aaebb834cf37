//! The journal as one driver sees it: the rotation that it replays to, and the entries that are not written yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{RotationId, Sequence};
use keywheel_domain::ports::{Append, Effect, JournalError, Lease, NewRotation, Retry};
use keywheel_domain::rotation::{Entry, Event, Next, Phase, Rotation};

use super::Driven;
use crate::error::AppError;
use crate::facade::Keywheel;

/// How often a failing write is repeated before the driver gives up. The rotation is safe either way.
const WRITE_ATTEMPTS: u32 = 4;

pub(super) struct Ledger<'a> {
    app: &'a Keywheel,
    held: Mutex<Held>,
    rotation: Rotation,
    credential: Credential,
    /// Entries that were applied and are not on disk yet, and the sequence before the first of them.
    pending: Vec<Entry>,
    written: Sequence,
    credential_changed: bool,
}

struct Held {
    lease: Lease,
    /// Whether the rotation is all that the journal holds, because nobody else had the lease since it was read.
    current: bool,
}

impl<'a> Ledger<'a> {
    /// Takes the lease and replays the journal.
    pub(super) async fn claim(app: &'a Keywheel, id: &RotationId) -> Result<Self, AppError> {
        let lease = app
            .journal()
            .claim(id, &app.inner.driver, app.now(), app.inner.lease)
            .await?;
        let rotation = app.rotation(id).await?;
        let name = rotation.credential();
        let credential = app.journal().credential(name).await?;
        let credential = credential.ok_or_else(|| AppError::NotAdopted(name.clone()))?;
        Ok(Self::of(app, lease, rotation, credential))
    }

    /// The ledger of a rotation that was just opened: there is nothing to replay but its beginning.
    pub(super) fn opened(app: &'a Keywheel, lease: Lease, new: NewRotation) -> Result<Self, AppError> {
        let rotation = Rotation::open(&new.opened).map_err(|source| AppError::Damaged {
            rotation: new.rotation,
            source,
        })?;
        Ok(Self::of(app, lease, rotation, new.credential))
    }

    fn of(app: &'a Keywheel, lease: Lease, rotation: Rotation, credential: Credential) -> Self {
        Self {
            app,
            held: Mutex::new(Held { lease, current: true }),
            written: rotation.sequence(),
            rotation,
            credential,
            pending: Vec::new(),
            credential_changed: false,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Applies an event; it is written with the next flush. An outcome and the next intent so share one write.
    pub(super) fn record(&mut self, event: Event) -> Result<(), AppError> {
        let entry = Entry {
            sequence: self.rotation.sequence().next(),
            // The journal's time never runs backwards, whatever the wall clock does.
            at: self.app.now().max(self.rotation.last_at()),
            event,
        };
        let next = self.rotation.clone().apply(&entry).map_err(AppError::NotNow)?;
        // Only what is done changes the inventory.
        if matches!(entry.event, Event::Done { .. }) {
            let mut credential = self.credential.after(&self.rotation, &entry);
            if matches!(next.phase(), Phase::Resting(_)) {
                credential = credential.scheduled(&self.app.wiring(next.credential())?.policy);
            }
            self.credential_changed |= credential != self.credential;
            self.credential = credential;
        }
        self.rotation = next;
        self.pending.push(entry);
        Ok(())
    }

    /// Writes what is pending. After an unknown effect it looks whether the entries are there before it writes them again.
    pub(super) async fn flush(&mut self) -> Result<(), AppError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let now = self.app.now();
        let append = Append {
            lease: self.prolonged(now),
            after: self.written,
            entries: std::mem::take(&mut self.pending),
            credential: self.credential_changed.then(|| self.credential.clone()),
            wake: self.wake(now),
        };
        self.write(append).await?;
        self.written = self.rotation.sequence();
        self.credential_changed = false;
        Ok(())
    }

    /// The lease as the next append makes it.
    fn prolonged(&self, now: Timestamp) -> Lease {
        let mut held = self.held();
        held.lease.until = now.saturating_add(self.app.inner.lease).unwrap_or(Timestamp::MAX);
        held.lease.clone()
    }

    async fn write(&self, mut append: Append) -> Result<(), AppError> {
        let mut attempt = 1;
        let mut claimed_again = false;
        loop {
            let error = match self.app.journal().append(&append).await {
                Ok(()) => return Ok(()),
                Err(JournalError::Storage(error)) => error,
                Err(JournalError::Fenced) if !claimed_again => {
                    // A claim of our own whose answer was lost looks like a rival's. A rival holds the lease or has appended,
                    // and either shows now.
                    claimed_again = true;
                    append.lease = self.claim_again().await?;
                    if self.is_written(&append).await {
                        return Ok(());
                    }
                    continue;
                }
                Err(other) => return Err(other.into()),
            };
            let pause = self.rotation.plan().limits().retry.pause(attempt);
            let hopeless = error.retry == Retry::Never && error.effect == Effect::None;
            if hopeless || attempt == WRITE_ATTEMPTS {
                return Err(error.into());
            }
            self.app.inner.ports.clock.sleep(pause).await;
            if self.is_written(&append).await {
                return Ok(());
            }
            attempt += 1;
        }
    }

    async fn claim_again(&self) -> Result<Lease, JournalError> {
        let (now, ttl) = (self.app.now(), self.app.inner.lease);
        let claim = self
            .app
            .journal()
            .claim(self.rotation.id(), &self.app.inner.driver, now, ttl);
        let lease = claim.await?;
        let mut held = self.held();
        // Tokens grow with each claim: where this one is not the very next, somebody else may have had the lease meanwhile.
        held.current &= lease.token == held.lease.token.next();
        held.lease = lease.clone();
        Ok(lease)
    }

    async fn is_written(&self, append: &Append) -> bool {
        let Ok(stored) = self.app.journal().load(&append.lease.rotation).await else {
            return false;
        };
        let from = append.after.0 as usize;
        stored.get(from..).is_some_and(|tail| tail == append.entries)
    }

    /// When somebody else should look, if this driver dies.
    fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self.rotation.next(now) {
            Next::Rest(_) => None,
            Next::Wait { until, .. } => Some(until),
            Next::Act { .. } | Next::Look { .. } | Next::Ask(_) => Some(now),
        }
    }

    /// Keeps the lease while a step takes long. A lease that was lost shows at the next write.
    pub(super) async fn renew(&self) {
        let left = self.app.now().duration_until(self.held().lease.until);
        if left <= self.app.inner.lease / 2 {
            let _ = self.claim_again().await;
        }
    }

    /// Whether the rotation is all that the journal holds, as far as the claims of this driver can tell.
    pub(super) fn is_current(&self) -> bool {
        self.held().current
    }

    /// Lets others in for that long, to say something or to take the rotation over. Whoever dies meanwhile is succeeded when its
    /// lease would have run out.
    pub(super) async fn let_go(&self, time: SignedDuration) {
        let succeeded = self.app.now().saturating_add(time.saturating_add(self.app.inner.lease));
        let lease = self.held().lease.clone();
        let wake = Some(succeeded.unwrap_or(Timestamp::MAX));
        // Where this fails others get in a little later.
        let _ = self.app.journal().release(&lease, wake).await;
    }

    /// Takes the lease back, and reads what others wrote if anybody was there. Nothing may be pending.
    pub(super) async fn take_back(&mut self) -> Result<(), AppError> {
        self.claim_again().await?;
        if self.is_current() {
            return Ok(());
        }
        let rotation = self.app.rotation(self.rotation.id()).await?;
        let name = rotation.credential();
        let credential = self.app.journal().credential(name).await?;
        self.credential = credential.ok_or_else(|| AppError::NotAdopted(name.clone()))?;
        self.written = rotation.sequence();
        self.rotation = rotation;
        self.held().current = true;
        Ok(())
    }

    /// Gives the lease up where the rotation cannot be driven at all, so that others need not wait for it to run out.
    pub(super) async fn give_up(&self) {
        let lease = self.held().lease.clone();
        // Where this fails the lease runs out by itself.
        let _ = self.app.journal().release(&lease, Some(self.app.now())).await;
    }

    /// Writes what is pending and gives the lease up.
    pub(super) async fn release(&mut self, driven: &Driven) -> Result<(), AppError> {
        self.flush().await?;
        let wake = match driven {
            Driven::Rested(_) => None,
            Driven::Asks(_) => Some(
                self.app
                    .now()
                    .saturating_add(SignedDuration::from_hours(1))
                    .unwrap_or(Timestamp::MAX),
            ),
            Driven::Waits { look_again, .. } => Some(*look_again),
            // Another driver has the lease, and this one nothing to give up.
            Driven::Elsewhere { .. } => return Ok(()),
        };
        let lease = self.held().lease.clone();
        self.app.journal().release(&lease, wake).await?;
        Ok(())
    }
}
