//! Faults in front of every port.
//!
//! A [`Gate`] counts the calls of all ports together. A [`FaultPlan`] says which call meets which [`Fault`]; the same plan on the
//! same company gives the same run, so that a story can be told again from its plan alone.

mod backends;
mod gate;
mod issuer;
mod keys;
mod plan;
mod storage;

pub use gate::{Call, Class, Gate};
pub use plan::{Fault, FaultPlan, InvalidFault};

use std::sync::Arc;

use crate::rig::Rig;

/// A port behind the gate.
#[derive(Debug)]
struct Faulty<P: ?Sized> {
    gate: Arc<Gate>,
    inner: Arc<P>,
}

impl<P: ?Sized> Faulty<P> {
    fn new(gate: &Arc<Gate>, inner: &Arc<P>) -> Arc<Self> {
        let (gate, inner) = (Arc::clone(gate), Arc::clone(inner));
        Arc::new(Self { gate, inner })
    }
}

/// The same ports, each behind the gate.
#[must_use]
pub fn behind(gate: &Arc<Gate>, rig: &Rig) -> Rig {
    Rig {
        clock: Arc::clone(&rig.clock),
        journal: Faulty::new(gate, &rig.journal),
        materials: Faulty::new(gate, &rig.materials),
        audit: Faulty::new(gate, &rig.audit),
        keys: Faulty::new(gate, &rig.keys),
        entropy: Faulty::new(gate, &rig.entropy),
        issuer: Faulty::new(gate, &rig.issuer),
        stores: rig.stores.iter().map(|store| Faulty::new(gate, store) as _).collect(),
        workloads: rig
            .workloads
            .iter()
            .map(|workload| Faulty::new(gate, workload) as _)
            .collect(),
        probes: rig.probes.iter().map(|probe| Faulty::new(gate, probe) as _).collect(),
        notifiers: rig
            .notifiers
            .iter()
            .map(|notifier| Faulty::new(gate, notifier) as _)
            .collect(),
        archive: rig.archive.as_ref().map(|archive| Faulty::new(gate, archive) as _),
    }
}
