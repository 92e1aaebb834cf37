//! What the engine costs beyond the disk: a whole rotation with instant ports on the real journal, against the same durable
//! writes replayed alone. One JSON object per figure.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

mod recorder;

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_app::{Driven, Keywheel, Ports, Wiring};
use keywheel_domain::id::{CredentialName, Revision, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::policy::{DrainRule, Policy};
use keywheel_domain::ports::{Clock, VersionMaterial};
use keywheel_domain::rotation::Outcome;
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_domain::view::View;
use keywheel_local::SystemClock;
use keywheel_sqlite::Sqlite;
use keywheel_testkit::rig::{Company, Rig, START};
use keywheel_testkit::world::{Setup, Style};
use recorder::Recorder;

const ROTATIONS: usize = 120;
const GOAL: f64 = 1.3;

fn instant() -> Policy {
    let zero = SignedDuration::ZERO;
    let usual = Policy::new(Period::months(3));
    Policy {
        grace: zero,
        retention: zero,
        soak: zero,
        observe: zero,
        adopt_within: zero,
        drain: DrainRule {
            quiet: zero,
            ..usual.drain.clone()
        },
        ..usual
    }
}

struct Bench {
    company: Company,
    rig: Rig,
    clock: Arc<SystemClock>,
    recorder: Arc<Recorder>,
}

impl Bench {
    async fn new(folder: &Path) -> anyhow::Result<Self> {
        let state = Sqlite::open(&folder.join("ours.db")).await?;
        let setup = Setup {
            fleets: Vec::new(),
            ..Setup::new(Style::TwinUsers)
        };
        let company = Company::new(setup, false, 1);
        Ok(Self {
            rig: company.ports(),
            company,
            clock: Arc::new(SystemClock),
            recorder: Arc::new(Recorder::new(state)),
        })
    }

    /// The material that the simulated company uses before Keywheel comes.
    async fn first_material(&self, name: &CredentialName) -> anyhow::Result<Material> {
        let number = VersionNumber(1);
        let id = VersionId {
            credential: name.clone(),
            number,
        };
        let material = self.rig.issuer.generate(&id, None, self.rig.entropy.as_ref()).await?;
        let attributes = self.rig.issuer.describe(&material)?;
        let version = VersionMaterial {
            id,
            material: material.clone(),
            attributes,
        };
        self.company
            .world
            .install(&version, &View::new(Revision(1), number, [number]));
        Ok(material)
    }

    fn keywheel(&self, name: &CredentialName) -> anyhow::Result<Keywheel> {
        let ports = Ports {
            journal: self.recorder.clone(),
            materials: self.recorder.clone(),
            audit: self.recorder.clone(),
            keys: self.rig.keys.clone(),
            clock: self.clock.clone(),
            entropy: self.rig.entropy.clone(),
        };
        let wiring = Wiring {
            kind: "password".to_owned(),
            policy: instant(),
            bulkhead: None,
            issuer: self.rig.issuer.clone(),
            stores: self.rig.stores.clone(),
            workloads: Vec::new(),
            probes: Vec::new(),
            notifiers: Vec::new(),
            archive: None,
        };
        Ok(Keywheel::builder(ports, "bench".parse()?)
            .credential(name.clone(), wiring)
            .build())
    }

    /// One rotation from its request to its end, in seconds.
    async fn rotate(&self, keywheel: &Keywheel, name: &CredentialName) -> anyhow::Result<f64> {
        let start = self.clock.monotonic();
        let trigger = Trigger::Manual {
            reason: "bench".to_owned(),
        };
        let rotation = keywheel.open(name, trigger, "bench").await?;
        let driven = keywheel.drive(&rotation, SignedDuration::from_mins(1)).await?;
        anyhow::ensure!(driven == Driven::Rested(Outcome::Completed), "it ended as {driven:?}");
        Ok((self.clock.monotonic() - start).as_secs_f64())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn measure() -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let bench = Bench::new(folder.path()).await?;
    let alone = Sqlite::open(&folder.path().join("alone.db")).await?;
    let name: CredentialName = "bench/password".parse()?;
    let keywheel = bench.keywheel(&name)?;
    let material = bench.first_material(&name).await?;
    keywheel.adopt(&name, &material, START, "bench").await?;
    bench.recorder.replay(alone.as_ref()).await?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROTATIONS {
        ours.push(bench.rotate(&keywheel, &name).await?);
        let start = bench.clock.monotonic();
        bench.recorder.replay(alone.as_ref()).await?;
        baseline.push((bench.clock.monotonic() - start).as_secs_f64());
    }
    Ok((median(ours), median(baseline)))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (ours, baseline) = measure().await?;
    let ratio = ours / baseline;
    let figure = serde_json::json!({
        "name": "a whole rotation with instant ports, ms",
        "ours": ours * 1e3,
        "baseline": baseline * 1e3,
        "baseline_name": "its durable writes alone, replayed",
        "ratio": ratio,
        "goal": format!("<= {GOAL}"),
        "holds": ratio <= GOAL,
    });
    println!("{figure}");
    Ok(())
}
