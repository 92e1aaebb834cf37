//! How far a rollout is, by the rules of `kubectl rollout status`. The order of the questions matters: right after a change only the
//! observed generation tells that everything else is of before.

use serde_json::Value;

use super::target::Kind;

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    /// Not yet; and what it waits for.
    Waits(String),
    /// The cluster has given it up; and why.
    Failed(String),
}

pub(super) fn of(kind: Kind, object: &Value) -> Progress {
    let status = &object["status"];
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    if number(&object["metadata"]["generation"]) > number(&status["observedGeneration"]) {
        return Progress::Waits("its controller has not seen the change yet".to_owned());
    }
    let counts = |name: &str| number(&status[name]);
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    match kind {
        Kind::Deployment => deployment(status, replicas, &counts),
        Kind::StatefulSet => {
            let (ready, updated) = (counts("readyReplicas"), counts("updatedReplicas"));
            if ready < replicas {
                Progress::Waits(format!("{ready} of {replicas} Pods are ready"))
            } else if status["updateRevision"] != status["currentRevision"] {
                Progress::Waits(format!("{updated} of {replicas} Pods are new"))
            } else {
                Progress::Done
            }
        }
        Kind::DaemonSet => {
            let wanted = counts("desiredNumberScheduled");
            let (updated, available) = (counts("updatedNumberScheduled"), counts("numberAvailable"));
            if updated < wanted {
                Progress::Waits(format!("{updated} of {wanted} Pods are new"))
            } else if available < wanted {
                Progress::Waits(format!("{available} of {wanted} Pods are available"))
            } else {
                Progress::Done
            }
        }
    }
}

fn deployment(status: &Value, wanted: i64, counts: &dyn Fn(&str) -> i64) -> Progress {
    let conditions = status["conditions"].as_array();
    let progressing = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Progressing");
    if progressing.is_some_and(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
        return Progress::Failed("it did not come forward within its `progressDeadlineSeconds`".to_owned());
    }
    let (all, updated, available) = (
        counts("replicas"),
        counts("updatedReplicas"),
        counts("availableReplicas"),
    );
    if updated < wanted {
        Progress::Waits(format!("{updated} of {wanted} Pods are new"))
    } else if all > updated {
        Progress::Waits(format!("{} old Pods are still there", all - updated))
    } else if available < updated {
        Progress::Waits(format!("{available} of {updated} Pods are available"))
    } else {
        Progress::Done
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn done() -> Value {
        json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {
            "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}],
        }})
    }

    fn with(pointer: &str, value: Value) -> Progress {
        let mut object = done();
        *object.pointer_mut(pointer).unwrap() = value;
        of(Kind::Deployment, &object)
    }

    #[test]
    fn a_deployment_is_done_where_everything_is() {
        assert_eq!(of(Kind::Deployment, &done()), Progress::Done);
        for (pointer, value, said) in [
            ("/status/observedGeneration", json!(1), "not seen"),
            ("/status/updatedReplicas", json!(2), "2 of 3 Pods are new"),
            ("/status/replicas", json!(4), "1 old Pods"),
            ("/status/availableReplicas", json!(1), "1 of 3 Pods are available"),
        ] {
            let Progress::Waits(why) = with(pointer, value) else {
                panic!("{pointer}")
            };
            assert!(why.contains(said), "{why}");
        }
    }

    #[test]
    fn a_deadline_that_has_passed_is_a_failure_but_not_one_of_before() {
        let exceeded = json!("ProgressDeadlineExceeded");
        let reason = "/status/conditions/0/reason";
        assert!(matches!(with(reason, exceeded.clone()), Progress::Failed(_)));
        let mut object = done();
        object["metadata"]["generation"] = json!(3);
        object["status"]["conditions"][0]["reason"] = exceeded;
        assert!(matches!(of(Kind::Deployment, &object), Progress::Waits(_)));
    }

    #[test]
    fn sets_have_counts_of_their_own() {
        let mut set = done();
        set["status"]["updateRevision"] = json!("b");
        set["status"]["currentRevision"] = json!("a");
        assert!(matches!(of(Kind::StatefulSet, &set), Progress::Waits(_)));
        set["status"]["currentRevision"] = json!("b");
        assert_eq!(of(Kind::StatefulSet, &set), Progress::Done);
        set["status"] = json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2});
        assert!(matches!(of(Kind::DaemonSet, &set), Progress::Waits(_)));
        set["status"]["numberAvailable"] = json!(2);
        assert_eq!(of(Kind::DaemonSet, &set), Progress::Done);
    }
}
