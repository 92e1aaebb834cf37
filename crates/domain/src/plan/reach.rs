//! The world as far as the safety rule sees it, and how each action moves it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::check::State;
use super::{Action, Overlap, PlanRecord};
use crate::id::VersionNumber;
use crate::view::View;

type Versions = BTreeSet<VersionNumber>;

/// Which views consumers may run, what the issuer accepts, and what was signed and has not expired.
///
/// `P` and `A` of the safety rule follow from it: see [`World::presented`] and [`World::accepted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    overlap: Overlap,
    longest_token: SignedDuration,
    /// Every view that some consumer may be running.
    views: BTreeSet<View>,
    /// The view that stores show, and that a consumer runs once it restarts.
    shown: View,
    /// What the issuer accepts. Means nothing for key rings, where the verifiers' views accept.
    issuer: Versions,
    /// Versions that signed something, and for how long it lives on.
    tokens: BTreeMap<VersionNumber, SignedDuration>,
}

impl World {
    pub(super) fn before(record: &PlanRecord) -> Self {
        Self {
            overlap: record.shape.overlap,
            longest_token: record.limits.longest_token,
            views: [record.view.clone()].into(),
            shown: record.view.clone(),
            issuer: [record.old].into(),
            tokens: BTreeMap::new(),
        }
    }

    /// `P`: the versions that some consumer may be presenting.
    pub(super) fn presented(&self) -> Versions {
        let primaries = self.views.iter().map(|view| view.primary);
        primaries.chain(self.tokens.keys().copied()).collect()
    }

    /// `A`: the versions that every acceptor accepts.
    pub(super) fn accepted(&self) -> Versions {
        if self.overlap != Overlap::KeyRing {
            return self.issuer.clone();
        }
        let mut views = self.views.iter().map(|view| view.accepted.clone());
        let first = views.next().unwrap_or_default();
        views.fold(first, |all, one| &all & &one)
    }

    /// The world once the action is done.
    pub(super) fn after(&self, action: &Action) -> Self {
        let mut world = self.clone();
        match action {
            Action::Stage { version } | Action::Mint { version } | Action::Reinstate { version } => {
                world.issuer.insert(*version);
            }
            // Instead of any other version, whichever the plan names as the one that ends.
            Action::Replace { to, .. } => world.issuer = [*to].into(),
            Action::Suspend { version } | Action::Retire { version } => {
                world.issuer.remove(version);
            }
            Action::Deliver { to, .. } => {
                world.views.insert(to.clone());
                world.shown = to.clone();
            }
            Action::Converge { view } => world.converge(view),
            Action::Watch { length, at_least, .. } => world.pass(*at_least.min(length)),
            Action::Preflight
            | Action::Approve
            | Action::Announce { .. }
            | Action::Generate { .. }
            | Action::Prove { .. }
            | Action::RollOut { .. }
            | Action::Drain { .. }
            | Action::ProveDead { .. }
            | Action::Archive { .. }
            | Action::Close => {}
        }
        world
    }

    /// The worst of two worlds, for an action that was cut off: consumers may be on either side, and only what is
    /// accepted on both is sure to be accepted.
    pub(super) fn or(&self, other: &Self) -> Self {
        let mut tokens = self.tokens.clone();
        for (version, left) in &other.tokens {
            let longest = tokens.get(version).map_or(*left, |l| *l.max(left));
            tokens.insert(*version, longest);
        }
        Self {
            views: &self.views | &other.views,
            shown: other.shown.clone(),
            issuer: &self.issuer & &other.issuer,
            tokens,
            ..self.clone()
        }
    }

    /// Consumers report the revision that they run and nothing else, and one that restarts then reads what stores show.
    fn converge(&mut self, view: &View) {
        let signers: Versions = self.views.iter().map(|known| known.primary).collect();
        self.views.retain(|known| known.revision == view.revision);
        self.views.insert(self.shown.clone());
        if self.overlap == Overlap::KeyRing && self.longest_token > SignedDuration::ZERO {
            let sign_on = |signer: &VersionNumber| self.views.iter().any(|known| known.primary == *signer);
            let ended = signers.into_iter().filter(|signer| !sign_on(signer));
            self.tokens.extend(ended.map(|signer| (signer, self.longest_token)));
        }
    }

    fn pass(&mut self, time: SignedDuration) {
        self.tokens.retain(|_, left| {
            *left = left.saturating_sub(time);
            *left > SignedDuration::ZERO
        });
    }
}

/// (P, A) after every step of the plan.
pub(super) fn states(record: &PlanRecord) -> Vec<State> {
    let mut world = World::before(record);
    let mut walk = |step: &Action| {
        world = world.after(step);
        State {
            presented: world.presented(),
            accepted: world.accepted(),
        }
    };
    record.steps.iter().map(&mut walk).collect()
}
