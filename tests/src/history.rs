//! Random histories, deeper than the exhaustive search can go: many faults in one rotation, by seed.

use keywheel_testkit::fault::{Fault, FaultPlan};

use crate::case::Case;
use crate::run::{Operator, Runner};
use crate::story;

/// The most faults in one history; every process has to get some way before the next one.
const MOST_FAULTS: usize = 8;
/// Faults fall on calls before this one: a rotation without faults makes fewer.
const CALLS: usize = 160;

/// One history: everything in it follows from its seed.
#[derive(Debug)]
pub struct History {
    /// The case, by its name.
    pub case: String,
    /// What goes wrong.
    pub plan: FaultPlan,
    /// Who looks after it.
    pub operator: Operator,
    /// The rules that were broken.
    pub violations: Vec<String>,
    /// Every call, every entry of the journal, every refusal, in words.
    pub story: String,
}

/// Runs the history of that seed. The same seed gives the same history, to the letter.
pub fn of_seed(seed: u64) -> History {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cases = Case::all();
    let case = cases.swap_remove(random.usize(..cases.len()));
    let operator = if random.u8(..4) == 0 {
        Operator::RollsBack
    } else {
        Operator::Resumes
    };
    let count = random.usize(3..=MOST_FAULTS);
    let plan = (0..count).fold(FaultPlan::none(), |plan, _| {
        let (fault, _) = Fault::NAMED[random.usize(..Fault::NAMED.len())];
        plan.and(random.usize(..CALLS), fault)
    });
    let name = case.name.clone();
    let runner = Runner::new(case);
    let finished = runner.run(&plan, operator);
    let violations = finished.violations.iter().map(ToString::to_string).collect();
    let story = story::tell(&runner, &plan, operator);
    History {
        case: name,
        plan,
        operator,
        violations,
        story,
    }
}
