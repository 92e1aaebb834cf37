//! Plans that cannot lock a consumer out.
//!
//! A [`Plan`] is an immutable value with no choice left in it. There is one way to make one, [`Plan::new`], and it walks
//! every step and every unwinding through `check`, which answers with a [`CounterExample`] where a consumer could present a
//! version that some acceptor refuses. Reading a plan back from the journal goes through the same check.

mod action;
mod check;
mod reach;
mod recipe;
mod refusal;
mod text;
mod unwind;

pub use action::{Action, Step, Watch};
pub use check::{CounterExample, Interruption, State};
pub use refusal::PlanError;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::id::VersionNumber;
use crate::policy::{DrainRule, Policy, RetryBudget};
use crate::trigger::Trigger;
use crate::view::View;

/// How many versions an issuer accepts at a time, and who accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The issuer accepts two versions side by side: twin roles, two passwords, two keys.
    TwoVersions,
    /// The issuer accepts one version: to set the new one is to end the old one.
    OneVersion,
    /// Consumers accept: the verifiers of tokens, or the readers of sealed sessions.
    KeyRing,
}

/// Who makes the material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MintedBy {
    /// Keywheel makes it, and it is sealed before the first outside effect.
    Us,
    /// The authority makes it, and shows it once.
    Authority,
}

/// What of a credential decides how its plan looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shape {
    /// How versions overlap.
    pub overlap: Overlap,
    /// Who makes the material.
    pub minted_by: MintedBy,
    /// Whether the issuer can take a version out of use and put it back.
    pub can_suspend: bool,
    /// Whether an archive is configured.
    pub archived: bool,
}

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct PlanRequest<'a> {
    /// What the credential's backends can do.
    pub shape: Shape,
    /// The owner's rules.
    pub policy: &'a Policy,
    /// Why it is rotated.
    pub trigger: &'a Trigger,
    /// What the stores show now; its primary is the old version.
    pub view: View,
    /// The number of the version to be made.
    pub new: VersionNumber,
}

/// The steps of one rotation, the unwinding from each of them, and what the rule found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PlanRecord")]
pub struct Plan(Arc<Checked>);

/// What is inside of a plan: shared, because a plan never changes and every state of its rotation holds it.
#[derive(Debug, PartialEq, Eq)]
struct Checked {
    record: PlanRecord,
    unwindings: Vec<Vec<Step>>,
    interruptions: Vec<Interruption>,
}

/// A plan as it is written down. Reading it back checks it again, so that no journal can smuggle in a plan that locks out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PlanRecord {
    shape: Shape,
    old: VersionNumber,
    new: VersionNumber,
    view: View,
    steps: Vec<Step>,
    point_of_no_return: usize,
    limits: Limits,
    declared: Option<Declared>,
}

/// Whom somebody agreed to interrupt, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Declared {
    reason: String,
    covers: BTreeSet<VersionNumber>,
}

/// The numbers of the policy that steps need while they run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How failing steps are tried again.
    pub retry: RetryBudget,
    /// How long errors may persist before the rotation unwinds.
    pub tolerance: jiff::SignedDuration,
    /// How long consumers may take to pick a delivery up.
    pub converge_within: jiff::SignedDuration,
    /// How long consumers that cannot be asked take to pick a delivery up.
    pub adopt_within: jiff::SignedDuration,
    /// How long one call to a backend may take.
    pub step_timeout: jiff::SignedDuration,
    /// How often waiting steps look again.
    pub poll: jiff::SignedDuration,
    /// How long the old version is kept after everybody moved; the first journals do not say.
    #[serde(default, skip_serializing_if = "jiff::SignedDuration::is_zero")]
    pub retention: jiff::SignedDuration,
    /// How long something signed keeps presenting its key.
    pub longest_token: jiff::SignedDuration,
    /// What is asked before the old version goes.
    pub drain: DrainRule,
    /// Who may approve.
    pub approvers: Vec<String>,
    /// When the rotation may begin.
    pub windows: Vec<crate::window::Window>,
}

impl Plan {
    /// Makes the plan for a request, or says with a counter-example why there is none.
    ///
    /// # Errors
    /// [`PlanError`] where the safety rule would break and no interruption is declared, or the policy contradicts itself.
    pub fn new(request: &PlanRequest<'_>) -> Result<Self, PlanError> {
        Self::checked(recipe::record(request)?).map_err(PlanError::Unsafe)
    }

    /// Every plan passes here, whether it was just made or read back.
    fn checked(record: PlanRecord) -> Result<Self, Box<CounterExample>> {
        let unwindings = unwind::all(&record);
        let interruptions = check::check(&record, &unwindings)?;
        Ok(Self(Arc::new(Checked {
            record,
            unwindings,
            interruptions,
        })))
    }

    /// The steps, in their order.
    pub fn steps(&self) -> &[Step] {
        &self.0.record.steps
    }

    /// The way back when the step at `index` is under way or was the last one done. Empty past the point of no return.
    pub fn unwinding(&self, index: usize) -> &[Step] {
        self.0.unwindings.get(index).map_or(&[], Vec::as_slice)
    }

    /// The index of the first step after which there is no way back.
    pub fn point_of_no_return(&self) -> usize {
        self.0.unwindings.len()
    }

    /// The interruptions that the policy or the emergency declared, with what each does to whom.
    pub fn interruptions(&self) -> &[Interruption] {
        &self.0.interruptions
    }

    /// The version that consumers present before the rotation.
    pub fn old(&self) -> VersionNumber {
        self.0.record.old
    }

    /// The version that they present after it.
    pub fn new_version(&self) -> VersionNumber {
        self.0.record.new
    }

    /// What the stores showed when the plan was made.
    pub fn view(&self) -> &View {
        &self.0.record.view
    }

    /// What decided how the plan looks.
    pub fn shape(&self) -> Shape {
        self.0.record.shape
    }

    /// The numbers that steps need while they run.
    pub fn limits(&self) -> &Limits {
        &self.0.record.limits
    }

    /// For every step: who may present and who accepts once it is done, in the words of the safety rule.
    pub fn reachable(&self) -> Vec<State> {
        reach::states(&self.0.record)
    }
}

impl TryFrom<PlanRecord> for Plan {
    type Error = Box<CounterExample>;
    fn try_from(record: PlanRecord) -> Result<Self, Box<CounterExample>> {
        Self::checked(record)
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.record.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
