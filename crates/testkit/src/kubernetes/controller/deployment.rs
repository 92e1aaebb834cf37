//! Deployments: a ReplicaSet for each template, numbered by its revision, and Pods that replace each other without a gap.

use serde_json::{Value, json};

use super::pods::{self, Due, Made, later};
use super::{Controllers, owned_by, owner_reference};
use crate::kubernetes::route::{Key, REPLICA_SETS};
use crate::kubernetes::world::World;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";
/// The API's own defaults.
const DEADLINE: i64 = 600;
const KEPT: i64 = 10;

pub(super) fn reconcile(world: &mut World, controllers: &mut Controllers, key: &Key) {
    let Some(deployment) = world.objects.get(key).cloned() else {
        return;
    };
    if deployment["spec"]["paused"] != json!(true) {
        let current = current_set(world, controllers, &deployment, key);
        replace_pods(world, controllers, &deployment, &current);
        cut_history(world, &deployment, &current);
    }
    report(world, controllers, key, deployment);
}

/// The ReplicaSets of a Deployment, each with its key.
fn sets(world: &World, deployment: &Value) -> Vec<(Key, Value)> {
    let sets = world
        .objects
        .iter()
        .filter(|(key, set)| key.kind == REPLICA_SETS && owned_by(set, deployment));
    sets.map(|(key, set)| (key.clone(), set.clone())).collect()
}

fn revision(set: &Value) -> i64 {
    let text = set["metadata"]["annotations"][REVISION].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn is_of_template(set: &Value, template: &Value) -> bool {
    let mut own = set["spec"]["template"].clone();
    if let Some(labels) = own["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    own == *template
}

/// The ReplicaSet of the template, with the highest revision: made, or used again.
fn current_set(world: &mut World, controllers: &mut Controllers, deployment: &Value, key: &Key) -> Value {
    let sets = sets(world, deployment);
    let newest = sets.iter().map(|(_, set)| revision(set)).max().unwrap_or(0);
    let template = &deployment["spec"]["template"];
    if let Some((set_key, set)) = sets.iter().find(|(_, set)| is_of_template(set, template)) {
        let (mut set, own) = (set.clone(), revision(set));
        if own < newest {
            let annotations = &mut set["metadata"]["annotations"];
            let before = annotations[HISTORY].as_str().map(|text| format!("{text},"));
            annotations[HISTORY] = json!(format!("{}{own}", before.unwrap_or_default()));
            annotations[REVISION] = json!((newest + 1).to_string());
            return world.store(set_key, set);
        }
        return set;
    }
    let number = controllers.next_name();
    let hash = format!("h{number}");
    let mut labelled = template.clone();
    labelled["metadata"]["labels"][HASH] = json!(hash);
    let set = json!({
        "metadata": {
            "labels": labelled["metadata"]["labels"], "ownerReferences": owner_reference(deployment),
            "annotations": {REVISION: (newest + 1).to_string()}, "generation": 1,
        },
        "spec": {"selector": deployment["spec"]["selector"], "template": labelled, "replicas": 0},
    });
    let set_key = Key {
        kind: REPLICA_SETS,
        name: format!("{}-{hash}", key.name),
        ..key.clone()
    };
    world.store(&set_key, set)
}

/// New Pods all at once; an old one is asked to end for each that is ready.
fn replace_pods(world: &mut World, controllers: &mut Controllers, deployment: &Value, current: &Value) {
    let wanted = replicas(deployment);
    let behaviour = controllers.behaviour(deployment["metadata"]["name"].as_str().unwrap_or_default());
    let mut own = live(world, current);
    let hash = current["metadata"]["labels"][HASH].as_str().unwrap_or_default();
    for _ in own.len()..wanted {
        let made = Made {
            name: format!(
                "{}-p{}",
                current["metadata"]["name"].as_str().unwrap_or_default(),
                controllers.next_name()
            ),
            owner: current,
            template: &current["spec"]["template"],
            label: (HASH, hash.to_owned()),
            behaviour,
        };
        pods::make(world, &mut controllers.timers, &made);
    }
    for (pod, _) in own.split_off(wanted.min(own.len())) {
        pods::end(world, &mut controllers.timers, &pod, behaviour);
    }
    let ready = own.iter().filter(|(_, pod)| pods::is_ready(pod)).count();
    let mut old = Vec::new();
    for (_, set) in sets(world, deployment) {
        if set["metadata"]["uid"] != current["metadata"]["uid"] {
            old.extend(live(world, &set));
        }
    }
    let kept = wanted.saturating_sub(ready);
    let too_many = old.len().saturating_sub(kept);
    for (pod, _) in old.into_iter().take(too_many) {
        pods::end(world, &mut controllers.timers, &pod, behaviour);
    }
}

/// The Pods of an owner that are not ending.
fn live(world: &World, owner: &Value) -> Vec<(Key, Value)> {
    let mut pods = pods::of(world, owner);
    pods.retain(|(_, pod)| !pods::is_ending(pod));
    pods
}

fn replicas(deployment: &Value) -> usize {
    deployment["spec"]["replicas"]
        .as_u64()
        .map_or(1, |count| usize::try_from(count).unwrap_or(1))
}

/// Old ReplicaSets without Pods that count are removed, even where Pods of theirs are still ending.
fn cut_history(world: &mut World, deployment: &Value, current: &Value) {
    let kept = deployment["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(KEPT);
    let mut old = sets(world, deployment);
    old.retain(|(_, set)| set["metadata"]["uid"] != current["metadata"]["uid"] && live(world, set).is_empty());
    old.sort_by_key(|(_, set)| revision(set));
    let too_many = old.len().saturating_sub(usize::try_from(kept).unwrap_or(0));
    for (key, _) in old.into_iter().take(too_many) {
        world.objects.remove(&key);
    }
}

fn report(world: &mut World, controllers: &mut Controllers, key: &Key, mut deployment: Value) {
    let wanted = replicas(&deployment);
    let mut counts = Counts::default();
    for (_, set) in sets(world, &deployment) {
        let current = is_of_template(&set, &deployment["spec"]["template"]);
        for (_, pod) in pods::of(world, &set) {
            counts.add(&pod, current);
        }
    }
    let done = counts.updated == wanted && counts.active == wanted && counts.ready == wanted;
    let place = json!([counts.updated, counts.ready, deployment["spec"]["template"]]);
    let since = controllers.since(key, world.now, place);
    let deadline = deployment["spec"]["progressDeadlineSeconds"]
        .as_i64()
        .unwrap_or(DEADLINE);
    let end = later(since, deadline);
    let (status, reason) = match (done, world.now >= end) {
        (true, _) => ("True", "NewReplicaSetAvailable"),
        (false, true) => ("False", "ProgressDeadlineExceeded"),
        (false, false) => {
            controllers.timers.set(end, key, Due::Look);
            ("True", "ReplicaSetUpdated")
        }
    };
    deployment["status"] = json!({
        "observedGeneration": deployment["metadata"]["generation"], "replicas": counts.active,
        "updatedReplicas": counts.updated, "readyReplicas": counts.ready, "availableReplicas": counts.ready,
        "conditions": [{"type": "Progressing", "status": status, "reason": reason}],
    });
    world.store(key, deployment);
}

/// Pods that are not ending.
#[derive(Debug, Default)]
struct Counts {
    active: usize,
    updated: usize,
    ready: usize,
}

impl Counts {
    fn add(&mut self, pod: &Value, current: bool) {
        if !pods::is_ending(pod) {
            self.active += 1;
            self.updated += usize::from(current);
            self.ready += usize::from(pods::is_ready(pod));
        }
    }
}
