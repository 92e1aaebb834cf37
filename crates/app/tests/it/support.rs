//! A company whose credential is adopted, and as many processes as a test wants.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use keywheel_app::{Keywheel, Observer, Ports, Progress, Wiring};
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{CredentialName, Revision, RotationId, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::policy::{DrainRule, Policy};
use keywheel_domain::ports::{
    Clock, Entropy, Finding, Held, Issuer, IssuerCapabilities, Journal, PortError, Usage, VersionMaterial,
};
use keywheel_domain::rotation::{Entry, Event, Rotation};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;
use keywheel_testkit::rig::{Company, Rig};
use keywheel_testkit::world::{Setup, Style};

/// Who may approve, where somebody has to.
pub(crate) const APPROVER: &str = "grace";

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("fakes answer at once")
}

/// Two days of grace, and nothing else that takes long.
pub(crate) fn policy() -> Policy {
    let usual = Policy::new(Period::months(3));
    Policy {
        soak: seconds(0),
        observe: seconds(0),
        retention: seconds(0),
        notice: seconds(0),
        drain: DrainRule {
            quiet: seconds(0),
            ..usual.drain.clone()
        },
        ..usual
    }
}

/// A company whose credential is adopted.
pub(crate) struct Scene {
    pub(crate) company: Company,
    pub(crate) rig: Rig,
    pub(crate) policy: Policy,
    pub(crate) name: CredentialName,
    /// What drivers and speakers told about a rotation, in one word each.
    pub(crate) heard: Arc<Heard>,
}

impl Scene {
    pub(crate) fn new(policy: Policy) -> Self {
        let company = Company::new(Setup::new(Style::TwinUsers), false, 1);
        let scene = Self {
            rig: company.ports(),
            company,
            policy,
            name: "company/credential".parse().unwrap(),
            heard: Arc::default(),
        };
        let id = VersionId {
            credential: scene.name.clone(),
            number: VersionNumber(1),
        };
        let rig = &scene.rig;
        let material = at_once(rig.issuer.generate(&id, None, rig.entropy.as_ref())).unwrap();
        let view = View::new(Revision(1), id.number, [id.number]);
        let version = VersionMaterial {
            id,
            attributes: rig.issuer.describe(&material).unwrap(),
            material,
        };
        scene.company.world.install(&version, &view);
        let now = scene.company.clock.now();
        at_once(
            scene
                .process("adopts")
                .adopt(&scene.name, &version.material, now, "ada"),
        )
        .unwrap();
        scene.company.world.meddle(|state| state.history.clear());
        scene
    }

    /// The same with an issuer that takes that long to stage a version.
    pub(crate) fn slow_to_stage(policy: Policy, time: SignedDuration) -> Self {
        let mut scene = Self::new(policy);
        scene.rig.issuer = Arc::new(SlowStage {
            inner: Arc::clone(&scene.rig.issuer),
            clock: Arc::clone(&scene.rig.clock),
            time,
        });
        scene
    }

    /// A process that knows nothing but what is durable.
    pub(crate) fn process(&self, driver: &str) -> Keywheel {
        let rig = self.rig.clone();
        let ports = Ports {
            journal: rig.journal,
            materials: rig.materials,
            audit: rig.audit,
            keys: rig.keys,
            clock: rig.clock,
            entropy: rig.entropy,
        };
        let wiring = Wiring {
            kind: "simulated".to_owned(),
            policy: self.policy.clone(),
            bulkhead: None,
            issuer: rig.issuer,
            stores: rig.stores,
            workloads: rig.workloads,
            probes: rig.probes,
            notifiers: rig.notifiers,
            archive: rig.archive,
        };
        Keywheel::builder(ports, driver.parse().unwrap())
            .credential(self.name.clone(), wiring)
            .observer(self.heard.clone())
            .build()
    }

    /// A rotation that somebody asked for.
    pub(crate) fn opened(&self) -> RotationId {
        let reason = "somebody left".to_owned();
        let process = self.process("opens");
        let id = at_once(process.open(&self.name, Trigger::Manual { reason }, "ada")).unwrap();
        // Whoever opened it is gone, and so is its lease.
        self.company.clock.advance(seconds(15));
        id
    }

    pub(crate) fn entries(&self, id: &RotationId) -> Vec<Entry> {
        at_once(self.company.journal.load(id)).unwrap()
    }

    pub(crate) fn rotation(&self, id: &RotationId) -> Rotation {
        Rotation::replay(&self.entries(id)).unwrap()
    }

    /// When the entries of that kind were written.
    pub(crate) fn times(&self, id: &RotationId, which: impl Fn(&Event) -> bool) -> Vec<Timestamp> {
        let entries = self.entries(id);
        entries
            .iter()
            .filter(|entry| which(&entry.event))
            .map(|entry| entry.at)
            .collect()
    }

    /// Returns once the rotation stands at a step of that name.
    pub(crate) async fn stands_at(&self, id: &RotationId, step: &str) {
        while self.rotation(id).action().is_none_or(|action| action.name() != step) {
            self.company.clock.sleep(SignedDuration::from_millis(700)).await;
        }
    }
}

/// Remembers who was waited for.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub(crate) fn elsewhere(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Heard {
    fn notice(&self, _rotation: &Rotation, progress: &Progress<'_>) {
        if let Progress::Elsewhere { holder, .. } = progress {
            self.0.lock().unwrap().push(holder.to_string());
        }
    }
}

/// An issuer that takes its time for one thing.
#[derive(Debug)]
struct SlowStage {
    inner: Arc<dyn Issuer>,
    clock: Arc<dyn Clock>,
    time: SignedDuration,
}

#[async_trait]
impl Issuer for SlowStage {
    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        self.inner.describe(material)
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        self.inner.preflight(current).await
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        self.inner.generate(id, current, entropy).await
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.clock.sleep(self.time).await;
        self.inner.stage(version).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.prove(version).await
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.prove_dead(version).await
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.suspend(version).await
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.reinstate(version).await
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.inner.retire(version).await
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.inner.inventory().await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        self.inner.usage(version, switched).await
    }
}
