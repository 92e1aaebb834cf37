//! A whole company with everything that a driver needs, ready to be driven.

mod recorded;

use std::sync::Arc;

use jiff::Timestamp;
use keywheel_domain::ports::{
    Archive, AuditLog, Entropy, HealthProbe, Issuer, Journal, KeyProvider, MaterialStore, Notifier, SecretStore,
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

/// Every port of one company. What it holds survives a crash of whoever drives it.
#[derive(Debug, Clone)]
pub struct Rig {
    /// The company.
    pub world: World,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// Who is told.
    pub people: Arc<FakeNotifier>,
    /// The journal; what is appended is noted in the world's history.
    pub journal: Arc<dyn Journal>,
    /// Sealed material; what is kept is noted in the world's history.
    pub materials: Arc<dyn MaterialStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// The key that seals everything.
    pub keys: Arc<dyn KeyProvider>,
    /// Random bytes by seed.
    pub entropy: Arc<dyn Entropy>,
    /// Who accepts.
    pub issuer: Arc<dyn Issuer>,
    /// Where consumers read.
    pub stores: Vec<Arc<dyn SecretStore>>,
    /// Who consumes.
    pub workloads: Vec<Arc<dyn Workload>>,
    /// What tells whether they are well.
    pub probes: Vec<Arc<dyn HealthProbe>>,
    /// Who is told, as ports.
    pub notifiers: Vec<Arc<dyn Notifier>>,
    /// Where retired versions go.
    pub archive: Option<Arc<dyn Archive>>,
}

impl Rig {
    /// A company of that setup, with random bytes of that seed, early on a Tuesday.
    pub fn new(setup: Setup, archived: bool, seed: u64) -> Self {
        let clock = TestClock::starting_at(START);
        let world = World::new(&clock, setup);
        let (stores, fleets) = world.look(|state| (state.stores.len(), state.fleets.len()));
        let people = Arc::new(FakeNotifier::default());
        Self {
            journal: Arc::new(RecordedJournal::new(&world, Arc::new(FakeJournal::new()))),
            materials: Arc::new(RecordedMaterials::new(&world, Arc::new(FakeMaterialStore::new()))),
            audit: Arc::new(RecordedAudit::new(&world, Arc::new(FakeAuditLog::new()))),
            keys: Arc::new(FakeKeys::numbered(1)),
            entropy: Arc::new(FakeEntropy::seeded(seed)),
            issuer: Arc::new(FakeIssuer::new(&world)),
            stores: (0..stores)
                .map(|index| Arc::new(FakeStore::new(&world, index)) as _)
                .collect(),
            workloads: (0..fleets)
                .map(|index| Arc::new(FakeWorkload::new(&world, index)) as _)
                .collect(),
            probes: vec![Arc::new(FakeProbe::new(&world))],
            notifiers: vec![Arc::clone(&people) as _],
            archive: archived.then(|| Arc::new(FakeArchive::new(&world)) as _),
            people,
            clock,
            world,
        }
    }
}

/// 2026-01-06 02:00 UTC, inside of the usual windows.
pub const START: Timestamp = Timestamp::constant(1_767_664_800, 0);
