//! An independent model of what consumers may do while a plan runs: two instances and the store that they read, moved by brute
//! force. It knows nothing of how the plan's own check thinks; it only has to come to the same conclusion.

use std::collections::{BTreeMap, BTreeSet};

use keywheel_domain::id::VersionNumber;
use keywheel_domain::plan::{Action, Overlap, Plan, Watch};
use keywheel_domain::view::View;

type Versions = BTreeSet<VersionNumber>;

/// One thing that may be the case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct World {
    store: View,
    instances: [View; 2],
    issuer: Versions,
    retired: Versions,
    /// For how many seconds what a key signed lives on, at the most.
    tokens: BTreeMap<VersionNumber, i64>,
}

/// Everything that may be the case.
type Worlds = BTreeSet<World>;

/// Somebody who was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedOut {
    /// Which step was under way or had just been done.
    pub(crate) step: String,
    /// What was refused.
    pub(crate) refused: VersionNumber,
    /// What was the case.
    pub(crate) world: World,
}

/// Who may be locked out while the plan runs, with nobody cutting it off.
pub(crate) fn forward(plan: &Plan) -> Vec<LockedOut> {
    let model = Model::new(plan);
    let mut locked_out = Vec::new();
    let mut worlds = model.anything(&model.before(), "the start", &mut locked_out);
    for step in plan.steps() {
        worlds = model.step(&worlds, step, &mut locked_out);
    }
    locked_out
}

/// Who may be locked out on the way back after the step at `index` was cut off in its middle, and where it may end.
pub(crate) fn backward(plan: &Plan, index: usize) -> (Vec<LockedOut>, Vec<World>) {
    let model = Model::new(plan);
    let mut ignored = Vec::new();
    let mut worlds = model.anything(&model.before(), "the start", &mut ignored);
    for step in &plan.steps()[..index] {
        worlds = model.step(&worlds, step, &mut ignored);
    }
    let done = model.step(&worlds, &plan.steps()[index], &mut ignored);
    worlds.extend(done);
    let mut locked_out = Vec::new();
    for step in plan.unwinding(index) {
        worlds = model.step(&worlds, step, &mut locked_out);
    }
    (locked_out, worlds.into_iter().collect())
}

/// Whether everybody presents that version, every acceptor accepts it, and no other version is accepted anywhere.
pub(crate) fn is_only(plan: &Plan, world: &World, version: VersionNumber) -> bool {
    let views = || world.instances.iter().chain([&world.store]);
    let presented = views().all(|view| view.primary == version);
    match plan.shape().overlap {
        Overlap::KeyRing => presented && views().all(|view| view.accepted == [version].into()),
        Overlap::TwoVersions | Overlap::OneVersion => presented && world.issuer == [version].into(),
    }
}

struct Model<'a> {
    plan: &'a Plan,
    ring: bool,
    lifetime: i64,
}

impl<'a> Model<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            ring: plan.shape().overlap == Overlap::KeyRing,
            lifetime: plan.limits().longest_token.as_secs(),
        }
    }

    fn before(&self) -> Worlds {
        let view = self.plan.view().clone();
        let world = World {
            instances: [view.clone(), view.clone()],
            store: view,
            issuer: [self.plan.old()].into(),
            retired: Versions::new(),
            tokens: BTreeMap::new(),
        };
        [world].into()
    }

    /// What may be the case during and after a step.
    fn step(&self, worlds: &Worlds, step: &Action, locked_out: &mut Vec<LockedOut>) -> Worlds {
        let after = worlds.iter().filter_map(|world| self.done(world, step)).collect();
        self.anything(&after, &step.to_string(), locked_out)
    }

    /// The world when the step is done; `None` where it cannot be done, and the rotation gets no further.
    fn done(&self, world: &World, step: &Action) -> Option<World> {
        let mut world = world.clone();
        match step {
            Action::Stage { version } | Action::Mint { version } => {
                world.issuer.insert(*version);
                world.retired.remove(version);
            }
            Action::Reinstate { version } if world.retired.contains(version) => return None,
            Action::Reinstate { version } => {
                world.issuer.insert(*version);
            }
            Action::Replace { to, .. } => world.issuer = [*to].into(),
            Action::Suspend { version } => {
                world.issuer.remove(version);
            }
            Action::Retire { version } => {
                world.issuer.remove(version);
                world.retired.insert(*version);
            }
            Action::Deliver { to, .. } => world.store = to.clone(),
            // Instances report the revision that they run, and nothing else.
            Action::Converge { view } if world.instances.iter().any(|one| one.revision != view.revision) => {
                return None;
            }
            Action::Watch {
                watch,
                length,
                at_least,
            } => {
                let shortest = if *watch == Watch::Grace {
                    *at_least.min(length)
                } else {
                    *length
                };
                world.tokens.retain(|_, left| {
                    *left -= shortest.as_secs();
                    *left > 0
                });
            }
            _ => {}
        }
        Some(world)
    }

    /// Whatever instances may do meanwhile: each may have read the store again, and each signs all the time. Whoever is refused
    /// is noted.
    fn anything(&self, worlds: &Worlds, step: &str, locked_out: &mut Vec<LockedOut>) -> Worlds {
        let mut all = Worlds::new();
        let mut open: Vec<World> = worlds.iter().cloned().collect();
        while let Some(mut world) = open.pop() {
            if self.ring && self.lifetime > 0 {
                let signers = world.instances.iter().map(|view| (view.primary, self.lifetime));
                world.tokens.extend(signers.collect::<Vec<_>>());
            }
            if !all.insert(world.clone()) {
                continue;
            }
            if let Some(refused) = self.refused(&world) {
                let step = step.to_owned();
                locked_out.push(LockedOut {
                    step,
                    refused,
                    world: world.clone(),
                });
            }
            for restarted in 0..2 {
                let mut next = world.clone();
                next.instances[restarted] = next.store.clone();
                open.push(next);
            }
        }
        all
    }

    fn refused(&self, world: &World) -> Option<VersionNumber> {
        let mut presented = world.instances.iter().map(|view| view.primary);
        if !self.ring {
            return presented.find(|version| !world.issuer.contains(version));
        }
        let everywhere = |version: &VersionNumber| world.instances.iter().all(|view| view.accepted.contains(version));
        presented
            .chain(world.tokens.keys().copied())
            .find(|version| !everywhere(version))
    }
}
