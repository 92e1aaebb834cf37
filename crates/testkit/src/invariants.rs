//! What must be true of every run, whatever went wrong on its way.
//!
//! [`check`] is asked once a rotation rests. It believes nothing that the driver says: it compares what the world holds, what
//! clients experienced and what the journal tells.

mod clients;
mod journal;
mod leaks;
mod rest;

use std::fmt;

use futures_util::FutureExt;
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::Journal;
use keywheel_domain::rotation::{Entry, Outcome, Rotation};

use crate::rig::Company;

/// A rule that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The rule's short name.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Collects violations of one rule after the other.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Violation>);

impl Findings {
    fn unless(&mut self, holds: bool, rule: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { rule, what: what() });
        }
    }
}

/// What the rules look at.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    company: &'a Company,
    credential: Credential,
    rotation: Rotation,
    entries: Vec<Entry>,
    outcome: Outcome,
}

/// Every rule that the rested rotation breaks. `said` is everything else that was shown to people: errors, debug output.
///
/// # Panics
/// Where a fake does not answer at once.
pub fn check(company: &Company, name: &CredentialName, rotation: &RotationId, said: &[String]) -> Vec<Violation> {
    let mut findings = Findings::default();
    match scene(company, name, rotation) {
        Err(violation) => findings.0.push(violation),
        Ok(scene) => {
            clients::check(&scene, &mut findings);
            rest::check(&scene, &mut findings);
            journal::check(&scene, &mut findings);
            leaks::check(&scene, said, &mut findings);
        }
    }
    findings.0
}

fn scene<'a>(company: &'a Company, name: &CredentialName, id: &RotationId) -> Result<Scene<'a>, Violation> {
    let broken = |what: String| Violation {
        rule: "the journal replays",
        what,
    };
    let entries = at_once(company.journal.load(id)).map_err(|error| broken(error.to_string()))?;
    let credential = at_once(company.journal.credential(name)).map_err(|error| broken(error.to_string()))?;
    let credential = credential.ok_or_else(|| broken("the credential is gone".to_owned()))?;
    let rotation = Rotation::replay(&entries).map_err(|error| broken(error.to_string()))?;
    let outcome = rotation.outcome().filter(|outcome| *outcome != Outcome::Stuck);
    Ok(Scene {
        company,
        credential,
        outcome: outcome.ok_or_else(|| broken("the rotation does not rest".to_owned()))?,
        rotation,
        entries,
    })
}

/// The answer of a fake: none of them waits.
pub(crate) fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("fakes answer at once")
}
