//! Broken drivers. Each has to be caught by the search, or the search is worth nothing.
//!
//! The driver itself is whole; what is broken stands between it and the company, so that together they do what a broken driver
//! would do: retire before the switch, journal after the act, make material again.

mod clock;
mod issuer;
mod journal;
mod storage;
mod workload;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use keywheel_testkit::rig::{Company, Rig};

use crate::case::Case;
use crate::run::Runner;
use crate::search::{Caught, Depth, search};
use issuer::{Broken, Wrong};

/// A broken driver, and a case in which it does harm.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// What it does wrong.
    pub name: &'static str,
    /// The rule that it has to be caught by.
    pub rule: &'static str,
    case: &'static str,
    between: fn(&Company, Rig) -> Rig,
}

/// Every broken driver.
pub const MUTANTS: [Mutant; 9] = [
    Mutant {
        name: "retires the old version before the switch",
        rule: "no client is refused",
        case: "twin-users-routine",
        between: retires_before_switch,
    },
    Mutant {
        name: "makes material again when it tries again",
        rule: "nothing forbidden happens",
        case: "twin-users-routine",
        between: regenerates,
    },
    Mutant {
        name: "journals the intent after the act",
        rule: "the journal explains every deed",
        case: "twin-users-routine",
        between: journals_after_the_act,
    },
    Mutant {
        name: "takes a roll-out for a convergence",
        rule: "no client is refused",
        case: "twin-users-final-expedited",
        between: takes_it_on_trust,
    },
    Mutant {
        name: "signs before every verifier has the key",
        rule: "no client is refused",
        case: "key-ring-routine",
        between: neither_converges_nor_proves,
    },
    Mutant {
        name: "does not wait for tokens to expire",
        rule: "no client is refused",
        case: "key-ring-routine",
        between: is_impatient,
    },
    Mutant {
        name: "mints again without looking for what the lost answer made",
        rule: "no orphan is left",
        case: "twin-keys-final-routine",
        between: mints_blindly,
    },
    Mutant {
        name: "believes that what it retires is dead",
        rule: "what ended is dead",
        case: "twin-users-routine",
        between: retires_nothing,
    },
    Mutant {
        name: "destroys material that is still in use",
        rule: "nothing forbidden happens",
        case: "twin-users-routine",
        between: forgets_early,
    },
];

impl Mutant {
    /// The first run that catches it by the rule that it breaks; `None` where the search finds nothing.
    pub fn catch(&self) -> Option<Caught> {
        let case = Case::named(self.case)?;
        let runner = Runner::broken(case, self.between);
        let found = search(&runner, Depth::Singles, 1, &AtomicBool::new(false));
        let by_rule = |caught: &Caught| caught.violations.iter().any(|violation| violation.rule == self.rule);
        found.caught.into_iter().find(by_rule)
    }
}

fn retires_before_switch(_: &Company, rig: Rig) -> Rig {
    let issuer = Arc::new(Broken::new(&rig.issuer, Wrong::RetiresEarly));
    Rig { issuer, ..rig }
}

fn retires_nothing(_: &Company, rig: Rig) -> Rig {
    let issuer = Arc::new(Broken::new(&rig.issuer, Wrong::RetiresNothing));
    Rig { issuer, ..rig }
}

fn mints_blindly(_: &Company, rig: Rig) -> Rig {
    let issuer = Arc::new(Broken::new(&rig.issuer, Wrong::MintsBlindly));
    Rig { issuer, ..rig }
}

fn journals_after_the_act(_: &Company, rig: Rig) -> Rig {
    let journal = Arc::new(journal::Postponing::new(&rig.journal));
    Rig { journal, ..rig }
}

fn regenerates(_: &Company, rig: Rig) -> Rig {
    let materials = Arc::new(storage::Regenerating::new(&rig.materials));
    Rig { materials, ..rig }
}

fn forgets_early(_: &Company, rig: Rig) -> Rig {
    let issuer = Arc::new(Broken::new(
        &rig.issuer,
        Wrong::ForgetsEarly(Arc::clone(&rig.materials)),
    ));
    Rig { issuer, ..rig }
}

fn takes_it_on_trust(_: &Company, rig: Rig) -> Rig {
    let trusting = |inner| Arc::new(workload::Trusting::new(inner)) as _;
    let workloads = rig.workloads.iter().map(trusting).collect();
    Rig { workloads, ..rig }
}

fn neither_converges_nor_proves(company: &Company, rig: Rig) -> Rig {
    let issuer = Arc::new(Broken::new(&rig.issuer, Wrong::ProvesNothing));
    takes_it_on_trust(company, Rig { issuer, ..rig })
}

fn is_impatient(_: &Company, rig: Rig) -> Rig {
    let clock = Arc::new(clock::Impatient::new(&rig.clock));
    Rig { clock, ..rig }
}
