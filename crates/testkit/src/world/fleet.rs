//! What stores show, and who runs it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::ports::VersionMaterial;
use keywheel_domain::view::View;

use super::fingerprint::Fingerprint;
use super::setup::FleetSetup;

/// A view with fingerprints of the material that was delivered in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The view.
    pub view: View,
    /// What is presented, or signed with.
    pub primary: Fingerprint,
    accepted: Vec<Fingerprint>,
}

impl Shown {
    /// The view with the material of its versions. A version without material is one that nobody can use.
    pub(crate) fn new(view: &View, versions: &[VersionMaterial]) -> Self {
        let find = |number: VersionNumber| {
            let version = versions.iter().find(|version| version.id.number == number);
            Fingerprint::of(&version.map(|version| version.material.clone()).unwrap_or_default())
        };
        Self {
            primary: find(view.primary),
            accepted: view.accepted.iter().copied().map(find).collect(),
            view: view.clone(),
        }
    }

    /// What an instance that runs it accepts.
    pub fn accepted(&self) -> &[Fingerprint] {
        &self.accepted
    }

    /// Whether an instance that runs it accepts what was signed with that key.
    pub fn accepts(&self, fingerprint: Fingerprint) -> bool {
        self.accepted.contains(&fingerprint)
    }
}

/// One instance of a workload.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it runs.
    pub running: Option<Arc<Shown>>,
    /// When it will read its store again.
    pub rolls_at: Option<Timestamp>,
}

impl Member {
    /// Reads the store, whatever it shows by now.
    pub(super) fn roll(&mut self, store: Option<&Arc<Shown>>) {
        self.rolls_at = None;
        self.running = store.cloned().or(self.running.take());
    }

    /// The delivery that it runs.
    pub fn revision(&self) -> Option<Revision> {
        self.running.as_ref().map(|shown| shown.view.revision)
    }
}

/// The instances of one workload.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// What it is built from.
    pub setup: FleetSetup,
    /// Which store it reads.
    pub store: usize,
    /// Its instances.
    pub members: Vec<Member>,
}

impl Fleet {
    pub(super) fn new(setup: FleetSetup, store: usize) -> Self {
        let idle = Member {
            running: None,
            rolls_at: None,
        };
        Self {
            members: vec![idle; setup.instances],
            setup,
            store,
        }
    }

    pub(super) fn install(&mut self, shown: &Arc<Shown>) {
        for member in &mut self.members {
            member.running = Some(Arc::clone(shown));
        }
    }

    /// Has those that do not run the revision roll one by one, beginning now.
    pub(crate) fn roll_out(&mut self, revision: Revision, store: Option<&Arc<Shown>>, now: Timestamp) {
        let mut at = now;
        for member in &mut self.members {
            if member.revision() == Some(revision) {
                continue;
            }
            let at_once = at == now || !self.setup.tells;
            if at_once {
                member.roll(store);
            } else {
                member.rolls_at = Some(at);
            }
            at = later(at, self.setup.pace);
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
