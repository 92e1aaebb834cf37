//! Pods: made, ready after a while, and ending for a while.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Behaviour, owned_by, owner_reference};
use crate::kubernetes::route::{Key, PODS};
use crate::kubernetes::world::World;

/// What is due when.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeMap<(Timestamp, Key), Due>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The Pod is ready.
    Ready,
    /// The Pod is gone.
    Gone,
    /// The controller looks whether it has waited for too long.
    Look,
}

impl Timers {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn set(&mut self, at: Timestamp, key: &Key, due: Due) {
        self.0.insert((at, key.clone()), due);
    }

    /// Does what is due.
    pub(super) fn fire(&mut self, world: &mut World) {
        while let Some(entry) = self.0.first_entry().filter(|entry| entry.key().0 <= world.now) {
            let ((_, key), due) = entry.remove_entry();
            match due {
                Due::Ready => ready(world, &key),
                Due::Gone => world.objects.remove(&key),
                Due::Look => {}
            }
        }
    }
}

fn ready(world: &mut World, key: &Key) {
    let Some(mut pod) = world.objects.get(key).cloned() else {
        return;
    };
    pod["status"] = status(&pod, Some(&world.time()));
    world.store(key, pod);
}

/// The status of a Pod whose containers started then, or wait.
fn status(pod: &Value, started: Option<&str>) -> Value {
    let state = match started {
        Some(at) => json!({"running": {"startedAt": at}}),
        None => json!({"waiting": {"reason": "ContainerCreating"}}),
    };
    let container = |container: &Value| json!({"name": container["name"], "ready": started.is_some(), "restartCount": 0, "state": state});
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let statuses: Vec<Value> = containers.map(container).collect();
    let ready = if started.is_some() { "True" } else { "False" };
    json!({
        "phase": if started.is_some() { "Running" } else { "Pending" },
        "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": statuses,
    })
}

/// A Pod of that owner, by its template.
pub(super) struct Made<'a> {
    pub(super) name: String,
    pub(super) owner: &'a Value,
    pub(super) template: &'a Value,
    /// The label that says of which revision it is.
    pub(super) label: (&'static str, String),
    pub(super) behaviour: Behaviour,
}

pub(super) fn make(world: &mut World, timers: &mut Timers, made: &Made<'_>) {
    let namespace = made.owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let key = Key {
        kind: PODS,
        namespace: namespace.to_owned(),
        name: made.name.clone(),
    };
    let mut pod = json!({"metadata": made.template["metadata"], "spec": made.template["spec"]});
    pod["metadata"]["labels"][made.label.0] = json!(made.label.1);
    pod["metadata"]["ownerReferences"] = owner_reference(made.owner);
    pod["status"] = status(&pod, None);
    world.store(&key, pod);
    if let Some(seconds) = made.behaviour.ready_after {
        timers.set(later(world.now, seconds), &key, Due::Ready);
    }
}

/// Asks a Pod to end: it runs on for a while.
pub(super) fn end(world: &mut World, timers: &mut Timers, key: &Key, behaviour: Behaviour) {
    let Some(mut pod) = world.objects.get(key).cloned() else {
        return;
    };
    let at = later(world.now, behaviour.ends_after);
    pod["metadata"]["deletionTimestamp"] = json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    world.store(key, pod);
    timers.set(at, key, Due::Gone);
}

/// The Pods of an owner, those that are ending included.
pub(super) fn of(world: &World, owner: &Value) -> Vec<(Key, Value)> {
    let pods = world
        .objects
        .iter()
        .filter(|(key, pod)| key.kind == PODS && owned_by(pod, owner));
    pods.map(|(key, pod)| (key.clone(), pod.clone())).collect()
}

pub(super) fn is_ending(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}

pub(super) fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"][0]["status"] == "True"
}

pub(super) fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
