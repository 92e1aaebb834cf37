//! A whole company with everything that a driver needs, ready to be driven.

mod recorded;

use std::sync::Arc;

use jiff::Timestamp;
use keywheel_domain::ports::{
    Archive, AuditLog, Clock, Entropy, HealthProbe, Issuer, Journal, KeyProvider, MaterialStore, Notifier, SecretStore,
    Workload,
};

use crate::clock::TestClock;
use crate::fake::archive::FakeArchive;
use crate::fake::audit_log::FakeAuditLog;
use crate::fake::entropy::FakeEntropy;
use crate::fake::health_probe::FakeProbe;
use crate::fake::issuer::FakeIssuer;
use crate::fake::journal::FakeJournal;
use crate::fake::key_provider::FakeKeys;
use crate::fake::material_store::FakeMaterialStore;
use crate::fake::notifier::FakeNotifier;
use crate::fake::secret_store::FakeStore;
use crate::fake::workload::FakeWorkload;
use crate::world::{Setup, World};

pub use recorded::{RecordedAudit, RecordedJournal, RecordedMaterials};

/// One company with everything durable about it: what survives a crash of whoever drives its rotations.
#[derive(Debug)]
pub struct Company {
    /// Its issuer, stores, workloads and clients.
    pub world: World,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// The journal.
    pub journal: Arc<FakeJournal>,
    /// Sealed material.
    pub materials: Arc<FakeMaterialStore>,
    /// The audit log.
    pub audit: Arc<FakeAuditLog>,
    /// Random bytes by seed.
    pub entropy: Arc<FakeEntropy>,
    /// Who is told.
    pub people: Arc<FakeNotifier>,
    /// Where retired versions go.
    pub archive: Option<Arc<FakeArchive>>,
}

impl Company {
    /// A company of that setup, with random bytes of that seed, early on a Tuesday.
    pub fn new(setup: Setup, archived: bool, seed: u64) -> Self {
        let clock = TestClock::starting_at(START);
        let world = World::new(&clock, setup);
        Self {
            journal: Arc::new(FakeJournal::new()),
            materials: Arc::new(FakeMaterialStore::new()),
            audit: Arc::new(FakeAuditLog::new()),
            entropy: Arc::new(FakeEntropy::seeded(seed)),
            people: Arc::new(FakeNotifier::default()),
            archive: archived.then(|| Arc::new(FakeArchive::new(&world))),
            clock,
            world,
        }
    }

    /// A company that begins as this one is and goes its own way from there. Nobody drives it yet.
    #[must_use]
    pub fn fork(&self) -> Self {
        let clock = self.clock.fork();
        let world = self.world.fork(&clock);
        Self {
            journal: Arc::new(self.journal.fork()),
            materials: Arc::new(self.materials.fork()),
            audit: Arc::new(self.audit.fork()),
            entropy: Arc::new(self.entropy.fork()),
            people: Arc::new(self.people.fork()),
            archive: self.archive.as_ref().map(|archive| Arc::new(archive.fork(&world))),
            clock,
            world,
        }
    }

    /// Its ports. What is done through those of journal, material store and audit log is noted in the world's history.
    pub fn ports(&self) -> Rig {
        let world = &self.world;
        let (stores, fleets) = world.look(|state| (state.stores.len(), state.fleets.len()));
        Rig {
            clock: Arc::clone(&self.clock) as _,
            journal: Arc::new(RecordedJournal::new(world, Arc::clone(&self.journal) as _)),
            materials: Arc::new(RecordedMaterials::new(world, Arc::clone(&self.materials) as _)),
            audit: Arc::new(RecordedAudit::new(world, Arc::clone(&self.audit) as _)),
            keys: Arc::new(FakeKeys::numbered(1)),
            entropy: Arc::clone(&self.entropy) as _,
            issuer: Arc::new(FakeIssuer::new(world)),
            stores: (0..stores)
                .map(|index| Arc::new(FakeStore::new(world, index)) as _)
                .collect(),
            workloads: (0..fleets)
                .map(|index| Arc::new(FakeWorkload::new(world, index)) as _)
                .collect(),
            probes: vec![Arc::new(FakeProbe::new(world))],
            notifiers: vec![Arc::clone(&self.people) as _],
            archive: self.archive.as_ref().map(|archive| Arc::clone(archive) as _),
        }
    }
}

/// Every port that a driver needs, of one company.
#[derive(Debug, Clone)]
pub struct Rig {
    /// Time as the driver sees it.
    pub clock: Arc<dyn Clock>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Sealed material.
    pub materials: Arc<dyn MaterialStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// The key that seals everything.
    pub keys: Arc<dyn KeyProvider>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Who accepts.
    pub issuer: Arc<dyn Issuer>,
    /// Where consumers read.
    pub stores: Vec<Arc<dyn SecretStore>>,
    /// Who consumes.
    pub workloads: Vec<Arc<dyn Workload>>,
    /// What tells whether they are well.
    pub probes: Vec<Arc<dyn HealthProbe>>,
    /// Who is told.
    pub notifiers: Vec<Arc<dyn Notifier>>,
    /// Where retired versions go.
    pub archive: Option<Arc<dyn Archive>>,
}

/// 2026-01-06 02:00 UTC, inside of the usual windows.
pub const START: Timestamp = Timestamp::constant(1_767_664_800, 0);
