//! StatefulSets and DaemonSets: Pods with fixed names, replaced one after the other.

use serde_json::{Value, json};

use super::Controllers;
use super::pods::{self, Made};
use crate::kubernetes::route::{Key, STATEFUL_SETS};
use crate::kubernetes::world::World;

const HASH: &str = "controller-revision-hash";
/// The nodes of the cluster, on each of which a DaemonSet has a Pod.
const NODES: u64 = 2;

pub(super) fn reconcile(world: &mut World, controllers: &mut Controllers, key: &Key) {
    let Some(set) = world.objects.get(key).cloned() else {
        return;
    };
    let wanted = match key.kind {
        STATEFUL_SETS => set["spec"]["replicas"].as_u64().unwrap_or(1),
        _ => NODES,
    };
    let hash = hash(&set);
    let behaviour = controllers.behaviour(&key.name);
    let found = pods::of(world, &set);
    let mut steady = true;
    for number in 0..wanted {
        let name = format!("{}-{number}", key.name);
        match found.iter().find(|(pod, _)| pod.name == name) {
            Some((_, pod)) => steady &= pods::is_ready(pod) && !pods::is_ending(pod),
            None => {
                steady = false;
                let made = Made {
                    name,
                    owner: &set,
                    template: &set["spec"]["template"],
                    label: (HASH, hash.clone()),
                    behaviour,
                };
                pods::make(world, &mut controllers.timers, &made);
            }
        }
    }
    let replaces = set["spec"]["updateStrategy"]["type"] != "OnDelete";
    let old = found
        .iter()
        .rev()
        .find(|(_, pod)| pod["metadata"]["labels"][HASH] != hash.as_str());
    if let (true, true, Some((pod, _))) = (steady, replaces, old) {
        pods::end(world, &mut controllers.timers, pod, behaviour);
    }
    report(world, key, set, wanted, &hash);
}

/// The name of a template's revision; equal templates have equal ones.
fn hash(set: &Value) -> String {
    let text = set["spec"]["template"].to_string();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:x}")
}

fn report(world: &mut World, key: &Key, mut set: Value, wanted: u64, hash: &str) {
    let mut pods = pods::of(world, &set);
    pods.retain(|(_, pod)| !pods::is_ending(pod));
    let ready = pods.iter().filter(|(_, pod)| pods::is_ready(pod)).count();
    let updated = pods
        .iter()
        .filter(|(_, pod)| pod["metadata"]["labels"][HASH] == hash)
        .count();
    let observed = set["metadata"]["generation"].clone();
    let all_updated = updated as u64 == wanted;
    let before = set["status"]["currentRevision"].clone();
    set["status"] = match key.kind {
        STATEFUL_SETS => json!({
            "observedGeneration": observed, "replicas": pods.len(), "readyReplicas": ready, "updatedReplicas": updated,
            "updateRevision": hash, "currentRevision": if all_updated || before.is_null() { json!(hash) } else { before },
        }),
        _ => json!({
            "observedGeneration": observed, "desiredNumberScheduled": wanted, "numberAvailable": ready,
            "numberReady": ready, "updatedNumberScheduled": updated,
        }),
    };
    world.store(key, set);
}
