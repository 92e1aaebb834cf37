//! Random lives of a company: one rotation after the other, with more faults than two, operators who say what they like when
//! they like, ailments, and clocks that jump. The same seed is the same life.

mod dice;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use fastrand::Rng;
use futures_util::FutureExt;
use futures_util::future::join;
use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Keywheel, Silent};
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Clock, Journal, JournalError};
use keywheel_domain::rotation::{Outcome, encode};
use keywheel_testkit::executor::{Stopped, run_until};
use keywheel_testkit::fault::{FaultPlan, Gate, behind};
use keywheel_testkit::invariants::{self, Violation};
use keywheel_testkit::rig::Company;

use crate::case::{APPROVER, Case};
use crate::run::{LEASE, Moment, keywheel, name};

/// How many processes there are while things go wrong, and how many more until the rotation has to rest.
const WILD: usize = 40;
const CALM: usize = 40;
/// Operators at terminals of their own have other numbers than the processes that they speak to.
const OPERATORS: usize = 1_000;
/// How long a scheduler runs before somebody stops it.
const SCHEDULED: SignedDuration = SignedDuration::from_secs(150);
/// Nobody watches a terminal for longer than that.
const LONGEST_WATCH: SignedDuration = SignedDuration::from_hours(3);

/// What happened in one life.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Life {
    /// How the rotations ended, in order.
    pub outcomes: Vec<Outcome>,
    /// How many calls met a fault.
    pub faults: usize,
    /// What operators did and saw, for people.
    pub log: Vec<String>,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// A number that tells lives apart by every entry of every journal.
    pub digest: u64,
}

/// Lives the life of that seed.
pub fn live(seed: u64) -> Life {
    let mut rng = Rng::with_seed(seed);
    let mut case = dice::case(&mut rng);
    let company = Moment::first(&case).into_company();
    let mut life = Life::default();
    let mut digest = DefaultHasher::new();
    life.log
        .push(format!("{:?} {:?} {:?}", company.world, case.setup, case.policy));
    for _ in 0..rng.usize(1..=4) {
        case.trigger = dice::trigger(&mut rng);
        life.log.push(format!("{:?}", case.trigger));
        let mut spell = Spell {
            gate: Gate::new(&company.world, dice::faults(&mut rng), 0),
            company: &company,
            case: &case,
            rng: &mut rng,
            life: &mut life,
            rotation: None,
            processes: 0,
            asks: false,
            said: Vec::new(),
        };
        spell.live();
        if !life.violations.is_empty() {
            break;
        }
        company.world.meddle(|state| {
            state.history.clear();
            // Whom an emergency locked out has logged in again; what they held counts no longer.
            if state.refused > 0 {
                state.tokens.clear();
            }
            (state.refusals, state.refused_versions, state.refused) = Default::default();
        });
    }
    for id in at_once(company.journal.rotations(&name())).unwrap_or_default() {
        let entries = at_once(company.journal.load(&id)).unwrap_or_default();
        entries.iter().map(encode).for_each(|entry| entry.hash(&mut digest));
    }
    life.digest = digest.finish();
    life
}

fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("fakes answer at once")
}

/// One rotation in a life.
struct Spell<'a> {
    gate: Arc<Gate>,
    company: &'a Company,
    case: &'a Case,
    rng: &'a mut Rng,
    life: &'a mut Life,
    rotation: Option<RotationId>,
    processes: usize,
    asks: bool,
    said: Vec<String>,
}

impl Spell<'_> {
    fn live(&mut self) {
        let outcome = self.until_it_rests();
        self.life.faults += self.gate.calls().iter().filter(|call| call.fault.is_some()).count();
        self.life.log.push(format!("{outcome:?}"));
        match (outcome, &self.rotation) {
            (Ok(outcome), Some(id)) => {
                self.life.outcomes.push(outcome);
                self.life.violations = invariants::check(self.company, &name(), id, &self.said);
            }
            (Err(what), _) => self.never(what),
            (Ok(_), None) => self.never("it was never opened".to_owned()),
        }
    }

    fn never(&mut self, what: String) {
        let rule = "every rotation rests";
        self.life.violations.push(Violation { rule, what });
    }

    fn until_it_rests(&mut self) -> Result<Outcome, String> {
        let before = self.opened();
        for process in 0..WILD + CALM {
            if process == WILD {
                // From here on nothing goes wrong any more, and whoever is asked says yes.
                let first = self.gate.count();
                self.life.faults += self.gate.calls().iter().filter(|call| call.fault.is_some()).count();
                self.gate = Gate::new(&self.company.world, FaultPlan::none(), first);
            }
            self.one_process(process < WILD)?;
            self.rotation = self.opened().filter(|id| Some(id) != before.as_ref());
            if let Some(outcome) = self.rested() {
                return Ok(outcome);
            }
        }
        Err(format!("it did not rest after {} processes", WILD + CALM))
    }

    /// One process, from its start to its end, however it ends.
    fn one_process(&mut self, wild: bool) -> Result<(), String> {
        self.processes += 1;
        let rig = behind(&self.gate, &self.company.ports());
        let app = keywheel(self.case, &rig, self.processes);
        let command = self.command(wild);
        let word = self.word(wild);
        let operator = keywheel(self.case, &rig, self.processes + OPERATORS);
        let watched = if wild {
            dice::watch(self.rng, LONGEST_WATCH)
        } else {
            LONGEST_WATCH
        };
        let until = self.company.clock.monotonic() + watched;
        let clock = &self.company.clock;
        let stop = || self.gate.is_down() || clock.monotonic() >= until;
        let both = join(self.carry_out(&app, command), self.speak(&operator, word));
        let (ended, spoken) = match run_until(clock, stop, both) {
            Ok((ended, spoken)) => (Ok(ended), spoken),
            Err(stopped) => (Err(stopped), None),
        };
        self.life.log.push(format!("{command:?} at {}: {ended:?}", clock.now()));
        if let Some(spoken) = spoken {
            self.life.log.push(format!("meanwhile {word:?}: {spoken:?}"));
            self.said.extend(spoken.err().map(|error| format!("{error} {error:?}")));
        }
        self.asks = matches!(&ended, Ok(Ok(Driven::Asks(_))));
        let pause = match ended {
            Ok(Err(AppError::Journal(JournalError::Held { .. }))) | Err(Stopped::Killed) => LEASE,
            Ok(_) => SignedDuration::from_secs(self.rng.i64(0..40)),
            Err(stopped) => return Err(stopped.to_string()),
        };
        if let Ok(Err(error)) = &ended {
            self.said.push(format!("{error} {error:?}"));
        }
        if self.gate.is_overrun() {
            return Err("it made more calls than any honest run".to_owned());
        }
        self.gate.restart();
        clock.advance(pause);
        if wild {
            self.fate();
        }
        Ok(())
    }

    /// What nobody asked for: ailments, and clocks that jump.
    fn fate(&mut self) {
        let now = self.company.clock.now();
        if self.rng.u8(..) < 24 {
            let until = now + SignedDuration::from_secs(self.rng.i64(1..150));
            self.company.world.meddle(|state| state.sick_until = until);
            self.life.log.push(format!("ill until {until}"));
        }
        if self.rng.u8(..) < 24 {
            // Forward only: a clock that goes back further than the policy's skew makes tokens outlive what is waited for.
            let seconds = *self.rng.choice(&[3, 700, 260_000]).unwrap_or(&0);
            self.company.clock.jump(SignedDuration::from_secs(seconds));
            self.life.log.push(format!("the clock jumps by {seconds} s"));
        }
    }

    /// What somebody says, and after how long, while the process runs.
    fn word(&mut self, wild: bool) -> Option<(SignedDuration, Command)> {
        if !wild || self.rotation.is_none() || self.rng.bool() {
            return None;
        }
        let words = [
            Command::Finish,
            Command::RollBack,
            Command::Approve,
            Command::Resume,
            Command::Drive,
        ];
        let word = *self.rng.choice(&words)?;
        Some((SignedDuration::from_secs(self.rng.i64(0..250)), word))
    }

    /// Says that word to whoever drives, or drives too.
    async fn speak(
        &self,
        app: &Keywheel,
        word: Option<(SignedDuration, Command)>,
    ) -> Option<Result<Option<Driven>, AppError>> {
        let (time, command) = word?;
        let id = self.rotation.as_ref()?;
        self.company.clock.sleep(time).await;
        if matches!(command, Command::Drive) {
            return Some(app.drive(id, SignedDuration::MAX).await.map(Some));
        }
        Some(self.say(app, id, command).await.map(|()| None))
    }

    fn command(&mut self, wild: bool) -> Command {
        match (&self.rotation, self.asks) {
            (None, _) => Command::Open,
            (Some(_), true) => Command::Approve,
            (Some(_), false) if !wild => Command::Resume,
            (Some(_), false) => match self.rng.u8(0..10) {
                0..3 => Command::Resume,
                3..5 => Command::Drive,
                5..7 => Command::Run,
                7 => Command::Approve,
                8 => Command::Finish,
                _ => Command::RollBack,
            },
        }
    }

    /// Says it and drives. What is not possible where the rotation stands is said in vain.
    async fn carry_out(&self, app: &Keywheel, command: Command) -> Result<Driven, AppError> {
        let opened = match &self.rotation {
            Some(id) => id.clone(),
            None => app.open(&name(), self.case.trigger.clone(), "ada").await?,
        };
        match self.say(app, &opened, command).await {
            Ok(()) | Err(AppError::NotNow(_) | AppError::MayNotApprove { .. }) => {}
            Err(error) => return Err(error),
        }
        if matches!(command, Command::Run) {
            return self.run_scheduler(app).await;
        }
        app.drive(&opened, SignedDuration::MAX).await
    }

    /// A scheduler that looks after the rotation for a while.
    async fn run_scheduler(&self, app: &Keywheel) -> Result<Driven, AppError> {
        let clock = &self.company.clock;
        let scheduler = app.scheduler("ada");
        scheduler.run(&Silent, clock.sleep(SCHEDULED)).await?;
        Ok(Driven::Waits {
            until: clock.now(),
            look_again: clock.now(),
            why: "to be gone on with".to_owned(),
        })
    }

    async fn say(&self, app: &Keywheel, id: &RotationId, command: Command) -> Result<(), AppError> {
        match command {
            Command::Open | Command::Drive | Command::Run => Ok(()),
            Command::Resume => app.resume(id, "ada").await,
            Command::RollBack => app.rollback(id, "somebody said so", "ada").await,
            Command::Finish => app.finish(id, "ada").await,
            Command::Approve => app.approve(id, APPROVER).await,
        }
    }

    fn opened(&self) -> Option<RotationId> {
        at_once(self.company.journal.rotations(&name()))
            .ok()?
            .into_iter()
            .next()
    }

    fn rested(&self) -> Option<Outcome> {
        let credential = at_once(self.company.journal.credential(&name())).ok().flatten()?;
        let id = self.rotation.as_ref().filter(|_| credential.active.is_none())?;
        let entries = at_once(self.company.journal.load(id)).ok()?;
        keywheel_domain::rotation::Rotation::replay(&entries).ok()?.outcome()
    }
}

/// What an operator says before driving.
#[derive(Debug, Clone, Copy)]
enum Command {
    Open,
    Drive,
    Run,
    Resume,
    RollBack,
    Finish,
    Approve,
}
