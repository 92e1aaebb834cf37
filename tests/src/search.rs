//! All single faults, all crash points, and all pairs of them.
//!
//! What is left out is what another run shows as well:
//!
//! - a crash leaves behind what is durable and nothing else, so two crashes between which nothing durable changed and no time
//!   passed are one crash;
//! - faults that a call of its class cannot tell apart are one fault (see
//!   [`Class::faults`](keywheel_testkit::fault::Class::faults));
//! - where two faults at one call lead to the same run, call by call, entry by entry and second by second (what the canary
//!   counted aside, which decides nothing), the pairs of one are the pairs of the other; and where a fault leaves no trace, its
//!   pairs are the single faults that follow it;
//! - the operator's choice makes a run of its own only where an operator was needed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use keywheel_domain::ports::Journal;
use keywheel_domain::rotation::{Event, encode};
use keywheel_testkit::fault::{Call, Fault, FaultPlan};
use keywheel_testkit::invariants::Violation;

use crate::run::{Finished, Moment, Operator, Runner};

/// How deep a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every single fault and every crash point.
    Singles,
    /// Those, and every pair of them.
    Pairs,
}

/// A run that broke a rule, and how to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caught {
    /// The case.
    pub case: String,
    /// What went wrong.
    pub plan: FaultPlan,
    /// What the operator did.
    pub operator: Operator,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many runs with one fault.
    pub singles: usize,
    /// How many runs with two.
    pub pairs: usize,
    /// The runs that broke a rule, up to a number that somebody can read.
    pub caught: Vec<Caught>,
    /// How many broke a rule.
    pub violations: usize,
}

/// As many stories as somebody reads.
const MOST_KEPT: usize = 5;

impl Tally {
    fn note(&mut self, runner: &Runner, plan: &FaultPlan, operator: Operator, finished: &Finished) {
        if finished.violations.is_empty() {
            return;
        }
        self.violations += 1;
        if self.caught.len() < MOST_KEPT {
            self.caught.push(Caught {
                case: runner.case.name.clone(),
                plan: plan.clone(),
                operator,
                violations: finished.violations.clone(),
            });
        }
    }

    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.singles += other.singles;
        self.pairs += other.pairs;
        self.violations += other.violations;
        self.caught.extend(other.caught);
        self.caught.truncate(MOST_KEPT);
    }
}

/// Searches one case on that many threads, until everything was tried or `stop` is true.
pub fn search(runner: &Runner, depth: Depth, threads: usize, stop: &AtomicBool) -> Tally {
    let plan = FaultPlan::none();
    let clean = runner.run(&plan, Operator::Resumes);
    let mut tally = Tally::default();
    tally.note(runner, &plan, Operator::Resumes, &clean);
    let search = Search {
        runner,
        depth,
        stop,
        trace: trace(&clean),
        faults: faults(&clean.calls, 0),
        clean,
        next: AtomicUsize::new(0),
        tally: Mutex::new(tally),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| search.work());
        }
        search.work();
    });
    search.tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct Search<'a> {
    runner: &'a Runner,
    depth: Depth,
    stop: &'a AtomicBool,
    clean: Finished,
    trace: u64,
    faults: BTreeMap<usize, Vec<Fault>>,
    next: AtomicUsize,
    tally: Mutex<Tally>,
}

impl Search<'_> {
    /// Takes one call of the run without faults after the other.
    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.clean.calls.len() {
                return;
            }
            let tally = self.at_call(index);
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
        }
    }

    /// Every fault at that call, and every pair that begins with one.
    fn at_call(&self, index: usize) -> Tally {
        let mut tally = Tally::default();
        let moment = latest(&self.clean.moments, index);
        let mut known = BTreeSet::from([self.trace]);
        for fault in self.faults.get(&index).into_iter().flatten() {
            let plan = FaultPlan::none().and(index, *fault);
            let mut operators = vec![Operator::Resumes];
            while let Some(operator) = operators.pop() {
                let single = self
                    .runner
                    .run_from(moment, &plan, operator, self.depth == Depth::Pairs);
                tally.singles += 1;
                tally.note(self.runner, &plan, operator, &single);
                if single.consulted && operator == Operator::Resumes {
                    operators.push(Operator::RollsBack);
                }
                if self.depth == Depth::Pairs && known.insert(trace(&single)) {
                    self.pairs(&mut tally, moment.calls, (&plan, index), operator, &single);
                }
            }
        }
        tally
    }

    /// Every second fault after the first one.
    fn pairs(
        &self,
        tally: &mut Tally,
        first_call: usize,
        (first, index): (&FaultPlan, usize),
        operator: Operator,
        single: &Finished,
    ) {
        let rest = &single.calls[index + 1 - first_call..];
        for (second, faults) in faults(rest, index + 1) {
            let moment = latest(&single.moments, second);
            for fault in faults {
                let plan = first.and(second, fault);
                let pair = self.runner.run_from(moment, &plan, operator, false);
                tally.pairs += 1;
                tally.note(self.runner, &plan, operator, &pair);
                // Where the first fault needed an operator, the other one has a run of its own already.
                if pair.consulted && !single.consulted {
                    let pair = self.runner.run_from(moment, &plan, Operator::RollsBack, false);
                    tally.pairs += 1;
                    tally.note(self.runner, &plan, Operator::RollsBack, &pair);
                }
            }
        }
    }
}

/// The last moment between processes before that call.
fn latest(moments: &[Moment], call: usize) -> &Moment {
    let before = moments.iter().rev().find(|moment| moment.calls <= call);
    before.expect("the first moment is before the first call")
}

/// Every fault that can make a difference at these calls, the first of which has that index.
fn faults(calls: &[Call], first: usize) -> BTreeMap<usize, Vec<Fault>> {
    let mut crashed_in = BTreeSet::new();
    let mut faults = BTreeMap::new();
    for (call, index) in calls.iter().zip(first..) {
        let mut here = call.class.faults().to_vec();
        for (fault, epoch) in [(Fault::Crash, call.before), (Fault::Crashed, call.after)] {
            if crashed_in.insert(epoch) {
                here.push(fault);
            }
        }
        faults.insert(index, here);
    }
    faults
}

/// Tells runs apart by everything that can be seen of them, without the faults themselves and without what the canary counted.
fn trace(finished: &Finished) -> u64 {
    let mut hasher = DefaultHasher::new();
    for call in &finished.calls {
        let call = Call {
            fault: None,
            ..call.clone()
        };
        call.hash(&mut hasher);
    }
    finished.company.world.look(|state| state.history.hash(&mut hasher));
    let journal = finished
        .rotation
        .as_ref()
        .map(|id| finished.company.journal.load(id).now_or_never());
    for mut entry in journal.flatten().and_then(Result::ok).into_iter().flatten() {
        if let Event::Measured { samples, .. } = &mut entry.event {
            *samples = 0;
        }
        encode(&entry).hash(&mut hasher);
    }
    hasher.finish()
}
