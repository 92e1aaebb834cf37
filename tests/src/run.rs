//! One rotation from its beginning to its rest.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Keywheel, Ports, Wiring};
use keywheel_domain::id::{CredentialName, DriverId, Revision, RotationId, VersionId, VersionNumber};
use keywheel_domain::ports::{Clock, Journal, JournalError, VersionMaterial};
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_domain::view::View;
use keywheel_testkit::executor::{Stopped, run_until};
use keywheel_testkit::fault::{Call, FaultPlan, Gate, behind};
use keywheel_testkit::invariants::{self, Violation};
use keywheel_testkit::rig::{Company, Rig};

use crate::case::{APPROVER, Case};

/// How often somebody starts a process before a rotation counts as one that never rests.
const PATIENCE: usize = 24;
/// How long a driver that died keeps others away.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// What an operator does with a rotation that needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Has it go on.
    Resumes,
    /// Has it go back, where there is a way back.
    RollsBack,
}

/// What stands between the driver and the company: a broken driver is simulated there.
type Between = Box<dyn Fn(&Company, Rig) -> Rig + Send + Sync>;

/// A moment between two processes, at which nothing is in memory: everything there is can be forked, and a run that differs
/// only later begins here.
#[derive(Debug)]
pub struct Moment {
    company: Company,
    /// How many calls there were before.
    pub calls: usize,
    processes: usize,
    rotation: Option<RotationId>,
    turn: Turn,
    consulted: bool,
    said: Vec<String>,
}

/// What the next process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Open,
    Drive,
    Approve,
    Decide,
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// The company as it is now.
    pub company: Company,
    /// The rotation, once it was opened.
    pub rotation: Option<RotationId>,
    /// Where it rests.
    pub outcome: Option<Outcome>,
    /// Every call since the moment at which the run began.
    pub calls: Vec<Call>,
    /// Whether an operator had to do something, so that another operator may have done something else.
    pub consulted: bool,
    /// The moments between processes.
    pub moments: Vec<Moment>,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
}

/// The name of the credential in every case.
pub fn name() -> CredentialName {
    "company/credential".parse().expect("it is a path of plain words")
}

fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("fakes answer at once")
}

impl Moment {
    /// The beginning of every run of a case: the credential is adopted and everybody uses it.
    pub fn first(case: &Case) -> Self {
        let company = Company::new(case.setup.clone(), case.archived, 1);
        let rig = company.ports();
        let id = VersionId {
            credential: name(),
            number: VersionNumber(1),
        };
        let material = at_once(rig.issuer.generate(&id, None, rig.entropy.as_ref())).expect("nothing fails yet");
        let attributes = rig.issuer.describe(&material).expect("the issuer knows what it made");
        let view = View::new(Revision(1), id.number, [id.number]);
        let version = VersionMaterial {
            id,
            material,
            attributes,
        };
        company.world.install(&version, &view);
        let app = keywheel(case, &rig, 0);
        let adopted = at_once(app.adopt(&name(), &version.material, company.clock.now(), "ada"));
        adopted.expect("nothing fails yet");
        company.world.meddle(|state| state.history.clear());
        Self {
            company,
            calls: 0,
            processes: 0,
            rotation: None,
            turn: Turn::Open,
            consulted: false,
            said: Vec::new(),
        }
    }

    /// The company, for whoever goes on with it alone.
    pub(crate) fn into_company(self) -> Company {
        self.company
    }

    fn fork(&self) -> Self {
        Self {
            company: self.company.fork(),
            rotation: self.rotation.clone(),
            said: self.said.clone(),
            ..*self
        }
    }
}

/// The process of that number, which knows nothing but what is durable.
pub(crate) fn keywheel(case: &Case, rig: &Rig, process: usize) -> Keywheel {
    let driver: DriverId = format!("process-{process}").parse().expect("it is a plain word");
    let ports = Ports {
        journal: Arc::clone(&rig.journal),
        materials: Arc::clone(&rig.materials),
        audit: Arc::clone(&rig.audit),
        keys: Arc::clone(&rig.keys),
        clock: Arc::clone(&rig.clock),
        entropy: Arc::clone(&rig.entropy),
    };
    let wiring = Wiring {
        kind: "simulated".to_owned(),
        policy: case.policy.clone(),
        bulkhead: None,
        issuer: Arc::clone(&rig.issuer),
        stores: rig.stores.clone(),
        workloads: rig.workloads.clone(),
        probes: rig.probes.clone(),
        notifiers: rig.notifiers.clone(),
        archive: rig.archive.clone(),
    };
    Keywheel::builder(ports, driver)
        .lease(LEASE)
        .credential(name(), wiring)
        .build()
}

/// One case, how its runs begin, and what stands in between.
pub struct Runner {
    /// The case.
    pub case: Case,
    between: Between,
    first: Moment,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({})", self.case.name)
    }
}

impl Runner {
    /// A runner of the case as it is.
    pub fn new(case: Case) -> Self {
        Self::broken(case, |_, rig| rig)
    }

    /// A runner with something between the driver and the company.
    pub fn broken(case: Case, between: impl Fn(&Company, Rig) -> Rig + Send + Sync + 'static) -> Self {
        Self {
            first: Moment::first(&case),
            between: Box::new(between),
            case,
        }
    }

    /// Lets one rotation run from its beginning to its rest under that plan of faults, and checks every rule.
    pub fn run(&self, plan: &FaultPlan, operator: Operator) -> Finished {
        self.run_from(&self.first, plan, operator, true)
    }

    /// The same from a moment of another run on, whose plan and operator were the same up to there.
    pub fn run_from(&self, moment: &Moment, plan: &FaultPlan, operator: Operator, keep_moments: bool) -> Finished {
        let now = moment.fork();
        let gate = Gate::new(&now.company.world, plan.clone(), now.calls);
        let mut run = Run {
            runner: self,
            gate: &gate,
            operator,
            now,
            moments: keep_moments.then(Vec::new),
        };
        let outcome = run.drive_to_rest();
        let violations = run.verdict(&outcome);
        let Run { now, moments, .. } = run;
        Finished {
            rotation: now.rotation,
            consulted: now.consulted,
            company: now.company,
            outcome: outcome.ok(),
            calls: gate.calls(),
            moments: moments.unwrap_or_default(),
            violations,
        }
    }
}

struct Run<'a> {
    runner: &'a Runner,
    gate: &'a Arc<Gate>,
    operator: Operator,
    now: Moment,
    moments: Option<Vec<Moment>>,
}

impl Run<'_> {
    /// Starts processes until the rotation rests.
    fn drive_to_rest(&mut self) -> Result<Outcome, String> {
        for _ in 0..PATIENCE {
            self.now.calls = self.gate.count();
            if let Some(moments) = &mut self.moments {
                moments.push(self.now.fork());
            }
            // Who opens a rotation goes on to drive it.
            self.now.processes += usize::from(self.now.turn != Turn::Drive);
            let company = &self.now.company;
            let rig = behind(self.gate, &(self.runner.between)(company, company.ports()));
            let app = keywheel(&self.runner.case, &rig, self.now.processes);
            let driven = run_until(&company.clock, || self.gate.is_down(), self.one_process(&app));
            self.now.rotation = self.opened();
            match driven {
                Ok(Ok(Some(Driven::Rested(outcome)))) if outcome != Outcome::Stuck => return Ok(outcome),
                Ok(Ok(None)) => self.now.turn = Turn::Drive,
                Ok(Ok(Some(Driven::Asks(_)))) => self.now.turn = Turn::Approve,
                Ok(Ok(Some(_))) => self.consult(SignedDuration::ZERO),
                Ok(Err(error)) => self.after_error(&error),
                Err(Stopped::Killed) if !self.gate.is_overrun() => {
                    self.gate.restart();
                    self.consult(LEASE);
                }
                Err(stopped) => return Err(format!("{stopped}")),
            }
            if let Some(outcome) = self.rested() {
                return Ok(outcome);
            }
        }
        Err(format!("it did not rest after {PATIENCE} processes"))
    }

    /// What an operator starts: `rotate` in two halves, or `approve`, `resume` or `rollback` once there is something to go on with.
    async fn one_process(&self, app: &Keywheel) -> Result<Option<Driven>, AppError> {
        let Some(id) = &self.now.rotation else {
            app.open(&name(), self.runner.case.trigger.clone(), "ada").await?;
            return Ok(None);
        };
        match self.now.turn {
            Turn::Approve => app.approve(id, APPROVER).await?,
            Turn::Decide => self.decide(app, id).await?,
            Turn::Open | Turn::Drive => {}
        }
        app.drive(id, SignedDuration::MAX).await.map(Some)
    }

    async fn decide(&self, app: &Keywheel, id: &RotationId) -> Result<(), AppError> {
        if self.operator == Operator::RollsBack {
            match app.rollback(id, "somebody said so", "ada").await {
                Err(AppError::NotNow(_)) => {}
                other => return other,
            }
        }
        app.resume(id, "ada").await
    }

    /// A command that failed is given again a little later; where somebody else drives, after that one's lease.
    fn after_error(&mut self, error: &AppError) {
        self.now.said.push(format!("{error} {error:?}"));
        self.consult(match error {
            AppError::Journal(JournalError::Held { .. }) => LEASE,
            _ => SignedDuration::from_secs(30),
        });
    }

    /// Somebody looks after it, that much later.
    fn consult(&mut self, later: SignedDuration) {
        self.now.consulted = true;
        self.now.turn = Turn::Decide;
        self.now.company.clock.advance(later);
    }

    /// The rotation, by the journal itself: whoever opened it may have died before it could say so.
    fn opened(&self) -> Option<RotationId> {
        at_once(self.now.company.journal.rotations(&name()))
            .ok()?
            .into_iter()
            .next()
    }

    /// Where it rests, by the journal itself: whoever drove it there may not have been able to say so.
    fn rested(&self) -> Option<Outcome> {
        let credential = at_once(self.now.company.journal.credential(&name())).ok().flatten()?;
        let id = self.now.rotation.as_ref().filter(|_| credential.active.is_none())?;
        let entries = at_once(self.now.company.journal.load(id)).ok()?;
        let outcome = Rotation::replay(&entries).ok()?.outcome();
        outcome.filter(|outcome| *outcome != Outcome::Stuck)
    }

    fn verdict(&self, outcome: &Result<Outcome, String>) -> Vec<Violation> {
        let never = |what: &str| Violation {
            rule: "every rotation rests",
            what: what.to_owned(),
        };
        match (outcome, &self.now.rotation) {
            (Err(what), _) => vec![never(what)],
            (Ok(_), None) => vec![never("it was never opened")],
            (Ok(_), Some(id)) => invariants::check(&self.now.company, &name(), id, &self.now.said),
        }
    }
}
