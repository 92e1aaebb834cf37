//! The canary: it authenticates the way a consumer would, with what the stores show at that moment.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::plan::{Action, Overlap};
use keywheel_domain::ports::{ErrorKind, SecretStore};
use keywheel_domain::rotation::Event;
use keywheel_domain::view::View;

use super::Driver;
use super::patience::within;

/// No login that takes longer than this is worth waiting for: the canary must not hold the rotation up.
const LONGEST_SONG: SignedDuration = SignedDuration::from_secs(10);

/// A login that is younger than the tenth part of a poll, up to this, tells what another one would tell.
const STILL_FRESH: SignedDuration = SignedDuration::from_millis(500);
const ALWAYS_FRESH: SignedDuration = SignedDuration::from_millis(20);

/// What was measured since it was last journaled.
#[derive(Debug, Default)]
pub(crate) struct CanaryWatch(Mutex<Measured>);

/// A login that was accepted, and when it began.
type Accepted = (VersionNumber, SignedDuration);

#[derive(Debug, Default)]
struct Measured {
    samples: u64,
    refused: u64,
    downtime: SignedDuration,
    refused_at: Option<SignedDuration>,
    last_refusal: Option<String>,
    sang_at: Option<SignedDuration>,
    /// The last one since something changed what the issuer accepts.
    accepted: Option<Accepted>,
}

/// What one try showed.
enum Song {
    Accepted,
    Refused(String),
    /// Nobody answered, or the store could not be read: it says nothing about the credential.
    Unknown,
}

impl CanaryWatch {
    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self, song: Song, at: SignedDuration) {
        let mut measured = self.lock();
        measured.sang_at = Some(at);
        let refused_for = measured.refused_at.map_or(SignedDuration::ZERO, |since| at - since);
        match song {
            Song::Accepted => {
                measured.samples += 1;
                measured.downtime += refused_for;
                measured.refused_at = None;
                measured.last_refusal = None;
            }
            Song::Refused(why) => {
                measured.samples += 1;
                measured.refused += 1;
                measured.downtime += refused_for;
                measured.refused_at = Some(at);
                measured.last_refusal = Some(why);
            }
            Song::Unknown => {}
        }
    }

    /// Why the last try was refused, if it was.
    pub(super) fn last_refusal(&self) -> Option<String> {
        self.lock().last_refusal.clone()
    }

    /// Somebody else drives and measures from here on. For how long it was refused meanwhile is not for this one to say.
    pub(super) fn hand_over(&self) {
        let mut measured = self.lock();
        (measured.refused_at, measured.accepted) = (None, None);
    }

    /// A login with that version, which began then, was accepted.
    pub(super) fn learn(&self, version: VersionNumber, began: SignedDuration) {
        self.lock().accepted = Some((version, began));
    }

    /// What the issuer accepts may be another thing from here on.
    pub(super) fn unlearn(&self) {
        self.lock().accepted = None;
    }

    pub(super) fn take(&self) -> Option<Event> {
        let mut measured = self.lock();
        if measured.samples == 0 {
            return None;
        }
        let event = Event::Measured {
            samples: measured.samples,
            refused: measured.refused,
            downtime: measured.downtime,
        };
        (measured.samples, measured.refused, measured.downtime) = (0, 0, SignedDuration::ZERO);
        Some(event)
    }
}

impl Driver<'_> {
    /// The same, unless it just did.
    pub(super) async fn sing_unless_just_heard(&self) {
        let sang_at = self.canary.lock().sang_at;
        if sang_at.is_none_or(|at| !self.is_fresh(at)) {
            self.sing().await;
        }
    }

    fn is_fresh(&self, at: SignedDuration) -> bool {
        let poll = self.rotation().plan().limits().poll;
        self.app.inner.ports.clock.monotonic() - at < (poll / 10).clamp(ALWAYS_FRESH, STILL_FRESH)
    }

    /// Whether a login with that version was accepted just now: when it was proved, or by way of another store. A delivery changes
    /// what consumers present, and of a login nothing else; of a ring it changes what is accepted.
    fn was_just_accepted(&self, number: VersionNumber) -> bool {
        let accepted = self.canary.lock().accepted;
        let is_login = self.rotation().plan().shape().overlap != Overlap::KeyRing;
        is_login && accepted.is_some_and(|(version, began)| version == number && self.is_fresh(began))
    }

    /// Authenticates once through every store, while there is something to lose.
    pub(super) async fn sing(&self) {
        // The step under way may be the first that a login can meet: an interruption begins with it.
        let changing = self.rotation().action().is_some_and(Action::has_effect);
        if !self.rotation().is_exposed() && !changing {
            return;
        }
        for store in &self.wiring.stores {
            let credential = self.rotation().credential().clone();
            let read = within(self.app, LONGEST_SONG, store.read_back(&credential)).await;
            let song = match read {
                Ok(Some(view)) => self.try_view(&view, store.as_ref()).await,
                Ok(None) | Err(_) => Song::Unknown,
            };
            self.canary.heard(song, self.app.inner.ports.clock.monotonic());
        }
    }

    async fn try_view(&self, view: &View, store: &dyn SecretStore) -> Song {
        for number in self.presented_by(view) {
            if self.was_just_accepted(number) {
                continue;
            }
            let began = self.app.inner.ports.clock.monotonic();
            let id = VersionId {
                credential: self.rotation().credential().clone(),
                number,
            };
            let Ok(Some(version)) = self.find(&id).await else {
                return Song::Unknown;
            };
            match within(self.app, LONGEST_SONG, self.wiring.issuer.prove(&version)).await {
                Ok(_) => self.canary.learn(number, began),
                Err(error) if error.kind == ErrorKind::Refused => {
                    if self.was_removed_meanwhile(number, store).await {
                        return Song::Unknown;
                    }
                    return Song::Refused(self.memory.text(&error.chain()));
                }
                Err(_) => return Song::Unknown,
            }
        }
        Song::Accepted
    }

    /// Whether a key left its ring between the look at the store and the try. What it signed had run out before that, and only the
    /// canary signed with it just now. A login is another matter: whoever read it from the store is refused in earnest.
    async fn was_removed_meanwhile(&self, number: VersionNumber, store: &dyn SecretStore) -> bool {
        if self.rotation().plan().shape().overlap != Overlap::KeyRing {
            return false;
        }
        let read = within(self.app, LONGEST_SONG, store.read_back(self.rotation().credential())).await;
        matches!(read, Ok(Some(shown)) if !shown.versions().contains(&number))
    }

    /// A login presents the primary. Of the other keys of a ring, only those count of which live tokens may be in their users'
    /// hands: one that is merely published is not accepted everywhere yet, and one that is being removed not any more.
    fn presented_by(&self, view: &View) -> BTreeSet<VersionNumber> {
        let rotation = self.rotation();
        let presented = |version: &VersionNumber| *version == view.primary || rotation.may_have_live_tokens(*version);
        match rotation.plan().shape().overlap {
            Overlap::KeyRing => view.versions().into_iter().filter(presented).collect(),
            Overlap::TwoVersions | Overlap::OneVersion => [view.primary].into(),
        }
    }
}
