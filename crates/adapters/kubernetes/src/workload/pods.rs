//! Which delivery each Pod runs.

use keywheel_domain::id::Revision;
use keywheel_domain::ports::Instance;
use serde_json::Value;

use super::look::Look;
use super::mark::Mark;
use super::status::Progress;
use super::target::{Kind, Target};
use crate::error::shown;

impl Look {
    /// What each instance of everything runs.
    pub(super) fn instances(&self, annotation: &str) -> Vec<Instance> {
        let of = |target| self.instances_of(target, annotation);
        self.targets.iter().flat_map(of).collect()
    }

    /// Whether everything runs what its own template says: then nothing is to come, as far as this look can tell.
    pub(super) fn is_settled(&self, annotation: &str) -> bool {
        self.targets.iter().all(|target| {
            let newest = target.mark(annotation).and_then(Mark::read).map(|mark| mark.revision);
            let runs = |instance: &Instance| newest.is_some() && instance.revision == newest;
            self.instances_of(target, annotation).iter().all(runs)
        })
    }

    fn instances_of(&self, target: &Target, annotation: &str) -> Vec<Instance> {
        let pods = self
            .pods
            .values()
            .filter(|pod| is_live(pod) && self.belongs(pod, target));
        let mut instances: Vec<Instance> = pods.map(|pod| self.instance(pod, target, annotation)).collect();
        if instances.is_empty() {
            instances.push(without_pods(target, annotation));
        }
        instances
    }

    /// By its owner, or, where the owner is gone, by its labels: an old ReplicaSet may be removed while its Pods are still ending.
    fn belongs(&self, pod: &Value, target: &Target) -> bool {
        let Some(owner) = controller(pod) else {
            return selects(&target.object["spec"]["selector"], pod);
        };
        let set = (target.kind == Kind::Deployment)
            .then(|| self.sets.get(owner))
            .flatten();
        match (target.kind, set) {
            (Kind::Deployment, Some(set)) => controller(set) == Some(target.uid()),
            (Kind::Deployment, None) => selects(&target.object["spec"]["selector"], pod),
            _ => owner == target.uid(),
        }
    }

    fn instance(&self, pod: &Value, target: &Target, annotation: &str) -> Instance {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let (revision, mut detail) = self.runs(pod, target, annotation);
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            detail.push_str("; it is still ending");
        }
        if let Progress::Failed(why) = target.progress() {
            detail.push_str(&format!("; of {} {why}", target.shown()));
        }
        Instance { name, revision, detail }
    }

    fn runs(&self, pod: &Value, target: &Target, annotation: &str) -> (Option<Revision>, String) {
        let template = match target.kind {
            Kind::Deployment => match controller(pod).and_then(|owner| self.sets.get(owner)) {
                Some(set) => &set["spec"]["template"],
                None => return (None, "it belongs to no ReplicaSet that is known".to_owned()),
            },
            Kind::StatefulSet | Kind::DaemonSet => pod,
        };
        let text = template["metadata"]["annotations"][annotation].as_str();
        let Some(mark) = text.and_then(Mark::read) else {
            return (None, "it was started before Keywheel rolled anything out".to_owned());
        };
        let newest = target.mark(annotation).and_then(Mark::read);
        if newest.is_some_and(|newest| newest.revision == mark.revision && newest != mark) {
            let detail = format!("it was started by {mark}, and the Secret was written again since");
            return (None, detail);
        }
        match not_running(pod) {
            Some(why) => (None, format!("its template is of {mark}, and {why}")),
            None => (
                Some(mark.revision),
                format!("its template is of {mark}, and its containers run"),
            ),
        }
    }
}

/// What is scaled to nothing runs what its template says, as soon as its controller has seen it.
fn without_pods(target: &Target, annotation: &str) -> Instance {
    let mark = target.mark(annotation).and_then(Mark::read);
    let settled = target.progress() == Progress::Done;
    let (revision, detail) = match mark.filter(|_| settled) {
        Some(mark) => (
            Some(mark.revision),
            format!("it has no Pod, and its template is of {mark}"),
        ),
        None => (None, "it has no Pod yet".to_owned()),
    };
    Instance {
        name: target.shown(),
        revision,
        detail,
    }
}

/// Whether its containers may hold a credential: not where they have ended for good.
fn is_live(pod: &Value) -> bool {
    !["Succeeded", "Failed"].contains(&pod["status"]["phase"].as_str().unwrap_or_default())
}

/// The uid of what made it.
fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let controller = owners.iter().find(|owner| owner["controller"] == Value::Bool(true))?;
    controller["uid"].as_str()
}

fn not_running(pod: &Value) -> Option<String> {
    let wanted = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let statuses = pod["status"]["containerStatuses"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for status in statuses {
        if status["state"]["running"].is_null() {
            let waits = status["state"]["waiting"]["reason"].as_str().unwrap_or("it has ended");
            let container = status["name"].as_str().unwrap_or_default();
            return Some(format!("its container {container} does not run ({})", shown(waits)));
        }
    }
    (statuses.len() < wanted).then(|| "not all of its containers run".to_owned())
}

/// Whether a label selector takes the object.
fn selects(selector: &Value, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    let value = |key: &str| labels.get(key).and_then(Value::as_str);
    let pairs = selector["matchLabels"].as_object().into_iter().flatten();
    let mut any = false;
    for (key, wanted) in pairs {
        any = true;
        if value(key) != wanted.as_str() {
            return false;
        }
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        any = true;
        let found = expression["key"].as_str().and_then(value);
        let values = expression["values"].as_array();
        let listed = found.is_some_and(|found| values.into_iter().flatten().any(|value| value == found));
        let met = match expression["operator"].as_str() {
            Some("In") => listed,
            Some("NotIn") => !listed,
            Some("Exists") => found.is_some(),
            Some("DoesNotExist") => found.is_none(),
            _ => false,
        };
        if !met {
            return false;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_takes_what_its_labels_and_expressions_take() {
        let pod = json!({"metadata": {"labels": {"app": "api", "tier": "web"}}});
        for (selector, taken) in [
            (json!({"matchLabels": {"app": "api"}}), true),
            (json!({"matchLabels": {"app": "other"}}), false),
            (
                json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(selects(&selector, &pod), taken, "{selector}");
        }
    }

    #[test]
    fn a_container_that_waits_says_why() {
        let pod = json!({"spec": {"containers": [{}, {}]}, "status": {"containerStatuses": [
            {"name": "a", "state": {"running": {}}},
            {"name": "b", "state": {"waiting": {"reason": "CreateContainerConfigError"}}},
        ]}});
        assert!(
            not_running(&pod)
                .unwrap()
                .contains("b does not run (CreateContainerConfigError)")
        );
        let starting = json!({"spec": {"containers": [{}]}, "status": {}});
        assert!(not_running(&starting).is_some());
    }
}
