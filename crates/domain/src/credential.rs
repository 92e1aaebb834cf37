//! A managed secret as the inventory knows it: a fold over the entries of its rotations.

mod record;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{CredentialName, RotationId, VersionNumber};
use crate::plan::Action;
use crate::policy::Policy;
use crate::rotation::{Entry, Event, Outcome, Rotation};
use crate::schedule::Schedule;
use crate::version::{Attributes, Version, VersionStatus};
use crate::view::View;

pub use record::{decode, encode};

/// A managed secret: its versions, what its stores show, and whether a rotation of it is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its name.
    pub name: CredentialName,
    /// Every version that ever was, in the order of their numbers.
    pub versions: Vec<Version>,
    /// What the stores show, or are being made to show.
    pub view: View,
    /// When the current version came into use by everybody: the anchor of the next due date.
    pub rotated_at: Timestamp,
    /// The rotation that is running.
    pub active: Option<RotationId>,
    /// When it has to be rotated next, by the policy that was known when this was written. A policy of now may say otherwise:
    /// [`Credential::by`].
    pub next_due: Option<Timestamp>,
}

impl Credential {
    /// A credential whose existing material becomes version 1.
    pub fn adopted(
        name: CredentialName,
        attributes: Attributes,
        view: View,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let first = Version {
            status: VersionStatus::Current,
            current_at: Some(created_at),
            ..Version::pending(view.primary, attributes, now)
        };
        Self {
            name,
            versions: vec![first],
            view,
            rotated_at: created_at,
            active: None,
            next_due: None,
        }
    }

    /// The version of that number.
    pub fn version(&self, number: VersionNumber) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The version that consumers present.
    pub fn current(&self) -> Option<&Version> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.status == VersionStatus::Current)
    }

    /// The number that the next version will have.
    pub fn next_number(&self) -> VersionNumber {
        let highest = self.versions.iter().map(|version| version.number).max();
        highest.map_or(VersionNumber(1), VersionNumber::next)
    }

    /// When its next routine rotation may begin: when it is due. Where the last ones went back, not before a pause that doubles with
    /// each of them, from an hour to a day: what made them go back needs somebody's time.
    pub fn may_begin_at(&self) -> Option<Timestamp> {
        let latest_first = self.versions.iter().rev();
        let abandoned = latest_first.take_while(|version| version.status == VersionStatus::Abandoned);
        let ends: Vec<Timestamp> = abandoned.filter_map(|version| version.ended_at).collect();
        let due = self.next_due?;
        let (Some(last), doublings) = (ends.first(), ends.len().saturating_sub(1).min(5)) else {
            return Some(due);
        };
        let pause = SignedDuration::from_hours(1 << doublings).min(SignedDuration::from_hours(24));
        Some(due.max(last.saturating_add(pause).unwrap_or(Timestamp::MAX)))
    }

    /// The same as a policy of now sees it: the due date follows from it and from when the credential was rotated last. Where a
    /// rotation is running it is left alone: that one ends with a due date of its own.
    #[must_use]
    pub fn by(self, policy: &Policy) -> Self {
        match self.active {
            None => self.scheduled(policy),
            Some(_) => self,
        }
    }

    /// The same with its next due date by that policy. A time zone that is unknown counts as UTC.
    #[must_use]
    pub fn scheduled(mut self, policy: &Policy) -> Self {
        let zone = TimeZone::get(&policy.time_zone).unwrap_or(TimeZone::UTC);
        let due = Schedule::new(self.rotated_at, policy.period, zone).next_due();
        self.next_due = due.and_then(|due| due.checked_sub(policy.lead()).ok());
        self
    }

    /// The credential after an entry of its rotation, which is given as it was before the entry.
    #[must_use]
    pub fn after(&self, rotation: &Rotation, entry: &Entry) -> Self {
        let mut next = self.clone();
        if let Event::Done { attributes, .. } = &entry.event
            && let Some(action) = rotation.action()
        {
            next.done(action, attributes, rotation, entry.at);
        }
        next
    }

    fn done(&mut self, action: &Action, attributes: &Attributes, rotation: &Rotation, at: Timestamp) {
        match action {
            Action::Generate { version } | Action::Mint { version } => {
                self.versions.retain(|known| known.number != *version);
                self.versions.push(Version::pending(*version, attributes.clone(), at));
            }
            Action::Deliver { to, .. } => self.view = to.clone(),
            Action::Converge { view } => self.move_to(view.primary, at),
            Action::Close => self.close(rotation, at),
            _ => {}
        }
    }

    /// Every consumer presents that version now.
    fn move_to(&mut self, primary: VersionNumber, at: Timestamp) {
        for version in &mut self.versions {
            if version.number == primary && version.status != VersionStatus::Current {
                version.status = VersionStatus::Current;
                version.current_at = version.current_at.or(Some(at));
            } else if version.number != primary && version.status == VersionStatus::Current {
                version.status = VersionStatus::Previous;
            }
        }
    }

    fn close(&mut self, rotation: &Rotation, at: Timestamp) {
        self.active = None;
        let (old, new) = (rotation.plan().old(), rotation.plan().new_version());
        let completed = rotation.closing() == Outcome::Completed;
        let (ended, status) = if completed {
            (old, VersionStatus::Retired)
        } else {
            (new, VersionStatus::Abandoned)
        };
        // What was undone before it was made may have left something under its number, so the number is used up all the same.
        if self.version(new).is_none() {
            self.versions.push(Version::pending(new, Attributes::new(), at));
        }
        let compromised = rotation.trigger().is_emergency();
        for version in &mut self.versions {
            if version.number == ended {
                version.status = status;
                version.ended_at = Some(at);
            }
            if version.number == old {
                version.compromised |= compromised;
            }
        }
        if completed {
            let moved = self.version(new).and_then(|version| version.current_at);
            self.rotated_at = moved.unwrap_or(at);
        }
    }
}

#[cfg(test)]
mod tests;
