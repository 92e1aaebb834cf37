//! A workload whose instances roll one by one.

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{CredentialName, RotationId, VersionId};
use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{Finding, Instance, PortError, Usage, Workload, WorkloadReport};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use crate::world::{Deed, State, World};

/// One workload of a simulated company.
#[derive(Debug, Clone)]
pub struct FakeWorkload {
    world: World,
    index: usize,
    name: String,
}

impl FakeWorkload {
    /// The workload of that index.
    pub fn new(world: &World, index: usize) -> Self {
        Self {
            world: world.clone(),
            index,
            name: format!("app-{index}"),
        }
    }

    fn instances(&self, state: &State) -> Vec<Instance> {
        let members = state.fleets[self.index].members.iter().enumerate();
        let instance = |(number, member): (usize, &crate::world::Member)| Instance {
            name: number.to_string(),
            revision: member.revision(),
            detail: "it said so".to_owned(),
        };
        members.map(instance).collect()
    }
}

#[async_trait]
impl Workload for FakeWorkload {
    fn name(&self) -> &str {
        &self.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        Ok(vec![Finding::fine(&self.name, "it can be rolled")])
    }

    async fn roll_out(
        &self,
        _rotation: &RotationId,
        _credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError> {
        self.world.act(Deed::RolledOut(view.revision), |state| {
            let now = state.now;
            let fleet = &mut state.fleets[self.index];
            let store = state.stores.get(fleet.store).and_then(Option::as_ref);
            fleet.roll_out(view.revision, store, now);
            Ok(Evidence::new(EvidenceKind::RolledOut, &self.name, view.to_string()))
        })
    }

    async fn report(&self, _credential: &CredentialName) -> Result<WorkloadReport, PortError> {
        Ok(self.world.look(|state| {
            if state.fleets[self.index].setup.tells {
                WorkloadReport::Instances(self.instances(state))
            } else {
                WorkloadReport::Untold(format!("{} reloads while it is told to", self.name))
            }
        }))
    }

    async fn usage(&self, id: &VersionId, _attributes: &Attributes) -> Result<Usage, PortError> {
        Ok(self.world.look(|state| {
            let ring = state.setup.style.overlap() == Overlap::KeyRing;
            let known = state.versions.iter().find(|(_, version)| **version == id.number);
            match known {
                Some((key, _)) if ring && state.setup.tells_usage => {
                    super::usage::of_tokens(state, *key, id.to_string())
                }
                _ => Usage::Untold,
            }
        }))
    }
}
