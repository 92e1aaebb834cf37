//! What the controllers and the kubelets of a cluster do, by a script and the test's clock: they act when time passes.

mod deployment;
mod ordered;
mod pods;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::route::{DAEMON_SETS, DEPLOYMENTS, Key, STATEFUL_SETS};
use super::world::World;
use pods::Timers;

/// How the Pods of a workload behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// How many seconds a Pod needs until it is ready; `None` where it never is.
    pub ready_after: Option<i64>,
    /// How many seconds a Pod that is deleted still runs.
    pub ends_after: i64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            ready_after: Some(1),
            ends_after: 1,
        }
    }
}

/// What the controllers remember.
#[derive(Debug, Default)]
pub(super) struct Controllers {
    behaviours: BTreeMap<String, Behaviour>,
    timers: Timers,
    /// When each workload's rollout has last come forward, and how far it was.
    progress: BTreeMap<Key, (Timestamp, Value)>,
    made: u64,
}

impl Controllers {
    pub(super) fn script(&mut self, name: &str, behaviour: Behaviour) {
        self.behaviours.insert(name.to_owned(), behaviour);
    }

    fn behaviour(&self, name: &str) -> Behaviour {
        self.behaviours.get(name).copied().unwrap_or_default()
    }

    /// A number that no other object's name has.
    fn next_name(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Since when the rollout has stood where it stands.
    fn since(&mut self, key: &Key, now: Timestamp, place: Value) -> Timestamp {
        let known = self.progress.get(key).filter(|(_, known)| *known == place);
        let since = known.map_or(now, |(since, _)| *since);
        self.progress.insert(key.clone(), (since, place));
        since
    }
}

impl World {
    /// Lets time pass until then, one thing that is due after the other. What was changed before it began is seen first.
    pub(super) fn pass(&mut self, until: Timestamp) {
        self.beat();
        loop {
            let next = self.controllers.timers.next().filter(|due| *due <= until);
            self.now = next.unwrap_or(until).max(self.now);
            self.beat();
            if next.is_none() {
                return;
            }
        }
    }

    /// When something is due next by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.controllers.timers.next()
    }

    /// Everybody does what is to do now.
    fn beat(&mut self) {
        let mut controllers = std::mem::take(&mut self.controllers);
        controllers.timers.fire(self);
        let workloads: Vec<Key> = self.objects.iter().map(|(key, _)| key.clone()).collect();
        for key in workloads {
            match key.kind {
                DEPLOYMENTS => deployment::reconcile(self, &mut controllers, &key),
                STATEFUL_SETS | DAEMON_SETS => ordered::reconcile(self, &mut controllers, &key),
                _ => {}
            }
        }
        self.controllers = controllers;
    }

    /// Writes an object as a controller does.
    fn store(&mut self, key: &Key, mut object: Value) -> Value {
        object["kind"] = json!(key.kind.name);
        object["apiVersion"] = json!(key.kind.version);
        object["metadata"]["name"] = json!(key.name);
        object["metadata"]["namespace"] = json!(key.namespace);
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(self.objects.next_uid());
            object["metadata"]["creationTimestamp"] = json!(self.time());
        }
        self.objects.put(key.clone(), object)
    }

    /// Now, as the API writes it.
    fn time(&self) -> String {
        self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

fn owned_by(object: &Value, owner: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners
        .into_iter()
        .flatten()
        .any(|reference| reference["uid"] == owner["metadata"]["uid"])
}

fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}
