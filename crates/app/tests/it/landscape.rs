//! Many credentials on several servers, one journal, and as many schedulers as a test wants.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_app::{Driven, Keywheel, News, Ports, Reporter, Wiring};
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{CredentialName, Revision, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{
    Clock, Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, Journal, PortError, Usage, VersionMaterial,
};
use keywheel_domain::rotation::{Entry, Outcome, Rotation};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;
use keywheel_testkit::clock::TestClock;
use keywheel_testkit::rig::{Company, Rig};
use keywheel_testkit::world::{Setup, Style};

use crate::support::{at_once, policy, seconds};

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Every call hangs.
    Dead,
    /// It answers, and lets nobody change anything.
    ReadOnly,
}

/// One server and what it is asked for.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) health: Health,
    /// How long each call takes.
    pace: SignedDuration,
    clock: Arc<TestClock>,
    load: Mutex<Load>,
    together: Arc<Mutex<Load>>,
}

/// Calls at the same time: now, and at the most.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Load {
    now: usize,
    pub(crate) most: usize,
}

impl Load {
    fn enter(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }
}

/// Leaves when it is dropped, also where the call was cut off.
struct Call<'a>(&'a Server);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.load.lock().unwrap().now -= 1;
        self.0.together.lock().unwrap().now -= 1;
    }
}

impl Server {
    pub(crate) fn load(&self) -> Load {
        *self.load.lock().unwrap()
    }

    async fn serve<T>(&self, call: impl Future<Output = T> + Send) -> T {
        self.load.lock().unwrap().enter();
        self.together.lock().unwrap().enter();
        let _call = Call(self);
        if self.health == Health::Dead {
            pending::<()>().await;
        }
        self.clock.sleep(self.pace).await;
        call.await
    }
}

/// A credential, its server and its company.
struct Managed {
    name: CredentialName,
    server: Arc<Server>,
    policy: Policy,
    rig: Rig,
}

/// Everything together.
pub(crate) struct Landscape {
    pub(crate) company: Company,
    pub(crate) servers: Vec<Arc<Server>>,
    pub(crate) together: Arc<Mutex<Load>>,
    managed: Vec<Managed>,
    pub(crate) told: Arc<Told>,
}

/// In place, without any wait.
pub(crate) fn instant() -> Policy {
    Policy {
        grace: seconds(0),
        adopt_within: seconds(0),
        interruption: Some("nightly batch only".to_owned()),
        ..policy()
    }
}

impl Landscape {
    pub(crate) fn new() -> Self {
        let setup = Setup {
            fleets: Vec::new(),
            ..Setup::new(Style::InPlace)
        };
        Self {
            company: Company::new(setup, false, 1),
            servers: Vec::new(),
            together: Arc::default(),
            managed: Vec::new(),
            told: Arc::default(),
        }
    }

    /// That many servers with that many due credentials on each.
    pub(crate) fn of(servers: usize, credentials: usize) -> Self {
        let mut landscape = Self::new();
        for number in 0..servers {
            let server = landscape.server(&format!("server-{number}"), Health::Well);
            for one in 0..credentials {
                landscape.adopt(&format!("server-{number}/role-{one}"), &server, instant(), 100);
            }
        }
        landscape
    }

    pub(crate) fn server(&mut self, name: &str, health: Health) -> Arc<Server> {
        let server = Arc::new(Server {
            name: name.to_owned(),
            health,
            pace: SignedDuration::from_millis(100),
            clock: Arc::clone(&self.company.clock),
            load: Mutex::default(),
            together: Arc::clone(&self.together),
        });
        self.servers.push(Arc::clone(&server));
        server
    }

    /// A credential of a period of three months that was made so many days ago.
    pub(crate) fn adopt(&mut self, name: &str, server: &Arc<Server>, policy: Policy, days: i64) {
        let setup = Setup {
            fleets: Vec::new(),
            ..Setup::new(Style::InPlace)
        };
        let shared = &self.company;
        let alone = Company::new(setup, false, self.managed.len() as u64);
        let name: CredentialName = name.parse().unwrap();
        let id = VersionId {
            credential: name.clone(),
            number: VersionNumber(1),
        };
        let rig = alone.ports();
        let material = at_once(rig.issuer.generate(&id, None, rig.entropy.as_ref())).unwrap();
        let view = View::new(Revision(1), id.number, [id.number]);
        let attributes = rig.issuer.describe(&material).unwrap();
        alone.world.install(
            &VersionMaterial {
                id,
                attributes,
                material: material.clone(),
            },
            &view,
        );
        let made = shared.clock.now() - SignedDuration::from_hours(24 * days);
        let healthy = Managed {
            name: name.clone(),
            server: Arc::clone(server),
            policy,
            rig,
        };
        self.managed.push(healthy);
        let adopter = self.wired("adopts", |managed| Arc::clone(&managed.rig.issuer));
        at_once(adopter.adopt(&name, &material, made, "ada")).unwrap();
    }

    /// Another policy for a credential that is adopted. Processes that are made from now on go by it.
    pub(crate) fn change(&mut self, name: &str, policy: Policy) {
        let managed = self.managed.iter_mut().find(|managed| managed.name.as_str() == name);
        managed.unwrap().policy = policy;
    }

    /// A process with all the credentials wired.
    pub(crate) fn process(&self, driver: &str) -> Keywheel {
        self.wired(driver, |managed| {
            Arc::new(Served {
                inner: Arc::clone(&managed.rig.issuer),
                server: Arc::clone(&managed.server),
            })
        })
    }

    fn wired(&self, driver: &str, issuer: impl Fn(&Managed) -> Arc<dyn Issuer>) -> Keywheel {
        let shared = self.company.ports();
        let ports = Ports {
            journal: Arc::clone(&self.company.journal) as _,
            materials: Arc::clone(&self.company.materials) as _,
            audit: Arc::clone(&self.company.audit) as _,
            keys: shared.keys,
            clock: shared.clock,
            entropy: shared.entropy,
        };
        let mut builder = Keywheel::builder(ports, driver.parse().unwrap());
        for managed in &self.managed {
            let wiring = Wiring {
                kind: "simulated".to_owned(),
                policy: managed.policy.clone(),
                bulkhead: Some(managed.server.name.clone()),
                issuer: issuer(managed),
                stores: managed.rig.stores.clone(),
                workloads: Vec::new(),
                probes: Vec::new(),
                notifiers: Vec::new(),
                archive: None,
            };
            builder = builder.credential(managed.name.clone(), wiring);
        }
        builder.build()
    }

    /// Every rotation of the credentials whose names begin so.
    pub(crate) fn rotations(&self, prefix: &str) -> Vec<(CredentialName, Vec<Entry>)> {
        let journal = &self.company.journal;
        let named = self
            .managed
            .iter()
            .filter(|managed| managed.name.as_str().starts_with(prefix));
        let of = |managed: &Managed| {
            let ids = at_once(journal.rotations(&managed.name)).unwrap();
            ids.into_iter()
                .map(|id| (managed.name.clone(), at_once(journal.load(&id)).unwrap()))
                .collect::<Vec<_>>()
        };
        named.flat_map(of).collect()
    }

    /// Each of them was rotated exactly once, to its end.
    pub(crate) fn each_was_rotated_once(&self, prefix: &str) {
        let mut count = BTreeMap::<CredentialName, usize>::new();
        for (name, entries) in self.rotations(prefix) {
            let outcome = Rotation::replay(&entries).unwrap().outcome();
            assert_eq!(outcome, Some(Outcome::Completed), "{name}");
            *count.entry(name).or_default() += 1;
        }
        let managed = self
            .managed
            .iter()
            .filter(|managed| managed.name.as_str().starts_with(prefix));
        for managed in managed {
            assert_eq!(count.get(&managed.name), Some(&1), "{}", managed.name);
        }
    }

    /// When the last of them was done.
    pub(crate) fn last_done(&self, prefix: &str) -> Timestamp {
        let rotations = self.rotations(prefix);
        let ends = rotations
            .iter()
            .filter_map(|(_, entries)| entries.last())
            .map(|entry| entry.at);
        ends.max().unwrap()
    }
}

/// An issuer on a server.
#[derive(Debug)]
struct Served {
    inner: Arc<dyn Issuer>,
    server: Arc<Server>,
}

#[async_trait]
impl Issuer for Served {
    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        self.inner.describe(material)
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        self.server.serve(self.inner.preflight(current)).await
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        self.inner.generate(id, current, entropy).await
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        if self.server.health == Health::ReadOnly {
            return Err(PortError::permanent(
                ErrorKind::Forbidden,
                "the rotator may not do that",
            ));
        }
        self.server.serve(self.inner.replace(version)).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.server.serve(self.inner.prove(version)).await
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.server.serve(self.inner.prove_dead(version)).await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        self.inner.usage(version, switched).await
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.inner.inventory().await
    }
}

/// What a scheduler told, in one line each.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(what)).count()
    }
}

impl Reporter for Told {
    fn hear(&self, news: &News<'_>) {
        let line = match news {
            News::Opened { credential, .. } => format!("opened {credential}"),
            News::Moved { credential, driven, .. } => match driven {
                Driven::Rested(outcome) => format!("{outcome:?} {credential}"),
                Driven::Asks(_) => format!("asks {credential}"),
                Driven::Waits { why, .. } => format!("waits {credential} {why}"),
                Driven::Elsewhere { .. } => format!("elsewhere {credential}"),
            },
            News::Failed { due, error, .. } => format!("failed {due:?}: {error}"),
            News::Blind { error, .. } => format!("blind: {error}"),
            News::Overdue(overdue) => format!("overdue {} stuck {}", overdue.idle.len(), overdue.stuck.len()),
        };
        self.0.lock().unwrap().push(line);
    }
}
