//! The simulated company: issuers, stores, workloads and live tokens, in memory behind one lock.
//!
//! Clients authenticate all the time. The world takes the adversary's view of them (see [`State::tick`]): before and after
//! every change and whenever time passes, any instance may just have restarted and read its store, any signer may meet any
//! verifier, and every token that has not expired is shown to every verifier. Who is refused is recorded.
//!
//! What the driver does to the world is recorded as [`Deed`]s, between the entries that its journal had by then, so that a
//! journal can be asked to explain every one of them.

mod authority;
mod deed;
mod fingerprint;
mod fleet;
mod setup;
mod tick;

pub use authority::{Account, Authority};
pub use deed::{Deed, Happening};
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::fnv1a;
pub use fleet::{Fleet, Member, Shown};
pub use setup::{FleetSetup, Setup, Style};
pub use tick::{Breach, Refusal};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{RotationId, Sequence, VersionNumber};
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{Clock, PortError, VersionMaterial};
use keywheel_domain::view::View;

use crate::clock::TestClock;

/// A handle on the company. Clones are the same company.
#[derive(Clone)]
pub struct World {
    clock: Arc<TestClock>,
    state: Arc<Mutex<State>>,
}

/// All of the company. It holds no material, only fingerprints of it.
#[derive(Debug, Clone)]
pub struct State {
    /// What it is built from.
    pub setup: Setup,
    /// What its clocks show.
    pub now: Timestamp,
    /// Who accepts presented credentials.
    pub authority: Authority,
    /// What each store shows.
    pub stores: Vec<Option<Arc<Shown>>>,
    /// The workloads.
    pub fleets: Vec<Fleet>,
    /// What was signed with a key, and until when the last of it lives.
    pub tokens: Vec<(Fingerprint, Timestamp)>,
    /// The version that each fingerprint belongs to.
    pub versions: BTreeMap<Fingerprint, VersionNumber>,
    /// Until when health checks find something wrong, whatever else is the case.
    pub sick_until: Timestamp,
    /// The first refusals of clients; all of them are counted in `refused`.
    pub refusals: Vec<Refusal>,
    /// How many refusals there were.
    pub refused: u64,
    /// Every version that a refused client presented; `None` for material of no version.
    pub refused_versions: BTreeSet<Option<VersionNumber>>,
    /// What was first kept of each version, by a number that tells sealed materials apart.
    pub kept: BTreeMap<VersionNumber, u64>,
    /// The versions of which the archive has a sealed copy.
    pub archived: BTreeSet<VersionNumber>,
    /// What must never happen and did, other than refusals.
    pub breaches: Vec<Breach>,
    /// What the driver did and journaled, in order.
    pub history: Vec<Happening>,
    /// Grows whenever anything changes that a crash leaves behind, and whenever time passes.
    pub epoch: u64,
}

impl World {
    /// A company whose clocks are that clock. Nothing is adopted in it yet.
    pub fn new(clock: &Arc<TestClock>, setup: Setup) -> Self {
        Self::on(clock, State::new(setup, clock.now()))
    }

    /// A company that begins as this one is, on another clock, and goes its own way from there.
    #[must_use]
    pub fn fork(&self, clock: &Arc<TestClock>) -> Self {
        Self::on(clock, self.look(State::clone))
    }

    fn on(clock: &Arc<TestClock>, state: State) -> Self {
        let world = Self {
            clock: Arc::clone(clock),
            state: Arc::new(Mutex::new(state)),
        };
        let state = Arc::downgrade(&world.state);
        clock.watch(Arc::new(move |now| {
            if let Some(state) = state.upgrade() {
                state.lock().unwrap_or_else(PoisonError::into_inner).pass(now);
            }
        }));
        world
    }

    /// The clock that everybody in it lives by.
    pub fn clock(&self) -> &Arc<TestClock> {
        &self.clock
    }

    /// Installs the version by hand, the way an operator did before Keywheel came: the issuer accepts it, the stores show it
    /// in that view, and every instance runs it.
    pub fn install(&self, version: &VersionMaterial, view: &View) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = Shown::new(view, std::slice::from_ref(version));
        state.versions.insert(shown.primary, view.primary);
        if state.setup.style.overlap() != Overlap::KeyRing {
            let id = version.attributes.get("key").cloned().unwrap_or_default();
            state.authority.install(id, view.primary, shown.primary);
        }
        let shown = Arc::new(shown);
        state
            .stores
            .iter_mut()
            .for_each(|store| *store = Some(Arc::clone(&shown)));
        for fleet in &mut state.fleets {
            fleet.install(&shown);
        }
        state.tick("the installation");
    }

    /// Reads something.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes something from outside: an operator's mistake, an ailment. It is no deed of the driver.
    pub fn meddle<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        state.epoch += 1;
        state.tick("somebody else's change");
        result
    }

    /// Changes something for the driver, with clients authenticating before and after. A change that failed is no deed.
    pub(crate) fn act<T>(
        &self,
        deed: Deed,
        change: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick("the last change");
        let result = change(&mut state);
        state.epoch += 1;
        if result.is_ok() {
            state.history.push(Happening::Deed(deed));
            let name = deed.name();
            state.tick(name);
        }
        result
    }

    /// Notes how far the journal of the rotation goes from now on.
    pub(crate) fn journaled(&self, rotation: &RotationId, last: Sequence) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.epoch += 1;
        let rotation = rotation.clone();
        state.history.push(Happening::Journaled { rotation, last });
    }

    /// Notes that something changed which a crash leaves behind.
    pub(crate) fn stir(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).epoch += 1;
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World({:?})", self.clock)
    }
}

impl State {
    fn new(setup: Setup, now: Timestamp) -> Self {
        let fleets = setup.fleets.iter().enumerate();
        let fleets = fleets.map(|(index, fleet)| Fleet::new(fleet.clone(), index % setup.stores.max(1)));
        Self {
            now,
            authority: Authority::new(&setup),
            stores: vec![None; setup.stores],
            fleets: fleets.collect(),
            tokens: Vec::new(),
            versions: BTreeMap::new(),
            sick_until: Timestamp::MIN,
            refusals: Vec::new(),
            refused: 0,
            refused_versions: BTreeSet::new(),
            kept: BTreeMap::new(),
            archived: BTreeSet::new(),
            breaches: Vec::new(),
            history: Vec::new(),
            epoch: 0,
            setup,
        }
    }

    /// Time has passed: instances roll one by one at their own moments, and clients authenticate throughout.
    fn pass(&mut self, now: Timestamp) {
        while let Some((at, fleet, member)) = self.next_roll(now) {
            self.now = self.now.max(at);
            self.tick("time passing");
            let fleet = &mut self.fleets[fleet];
            fleet.members[member].roll(self.stores.get(fleet.store).and_then(Option::as_ref));
            self.tick("an instance rolling");
        }
        self.now = now;
        self.epoch += 1;
        self.tick("time passing");
    }

    /// The earliest instance that rolls by `now`.
    fn next_roll(&self, now: Timestamp) -> Option<(Timestamp, usize, usize)> {
        let fleets = self.fleets.iter().enumerate();
        let members = fleets.flat_map(|(fleet, of)| {
            let members = of.members.iter().enumerate();
            members.filter_map(move |(member, one)| one.rolls_at.map(|at| (at, fleet, member)))
        });
        members.filter(|(at, _, _)| *at <= now).min()
    }

    /// Whether anything at all may accept the version: an account, even a suspended one, a store's view, an instance.
    pub fn accepts_version(&self, version: VersionNumber) -> bool {
        let held = self
            .authority
            .accounts
            .iter()
            .any(|account| account.owner == Some(version));
        held || self.views().any(|shown| shown.view.versions().contains(&version))
    }

    /// How long something that was signed lives on.
    pub(crate) fn lifetime(&self) -> SignedDuration {
        self.setup.lifetime
    }

    /// Learns what the material of a version looks like. A version that Keywheel makes has one material for ever.
    pub(crate) fn learn(&mut self, version: VersionNumber, fingerprint: Fingerprint) {
        let made_here = self.setup.style.minted_by() == MintedBy::Us;
        let mut others = self.versions.iter().filter(|(known, _)| **known != fingerprint);
        if made_here && others.any(|(_, of)| *of == version) {
            self.breach(format!("version {version} was given a second material"));
        }
        self.versions.insert(fingerprint, version);
    }

    /// The name by which people know a fingerprint.
    pub(crate) fn version_of(&self, fingerprint: Fingerprint) -> Option<VersionNumber> {
        self.versions.get(&fingerprint).copied()
    }
}
