//! A company with workloads that read the Secret.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::id::Revision;
use keywheel_domain::ports::{Clock, PortError, Workload, WorkloadReport};
use keywheel_domain::view::View;
use keywheel_kubernetes::KubernetesWorkload;
use keywheel_testkit::contract::secret_store::view;
use keywheel_testkit::sample::{name, rotation_id};
use serde_json::{Value, json};

use crate::support::{Company, USUAL, company, deliver};

/// Where Deployments and the like are.
pub(crate) const APPS: &str = "/apis/apps/v1/namespaces/goimg";
/// One Deployment of two Pods.
pub(crate) const API: &str =
    "cluster.kubeconfig = 'kubeconfig'\nname = 'api'\nsecret_name = 'db'\ndeployments = ['api']";

/// The first view.
pub(crate) fn first() -> View {
    view(1, 1, &[1])
}

/// The second one.
pub(crate) fn second() -> View {
    view(2, 2, &[2])
}

/// A company whose Secret shows the first view, and whose Deployment `api` was rolled out with it.
pub(crate) async fn running() -> (Company, KubernetesWorkload) {
    let company = company().await;
    deliver(&company.store(USUAL), &first(), None).await.unwrap();
    company.make("deployments", "api", &json!({"replicas": 2}));
    company.pass(2);
    let api = company.workload(API);
    roll_out(&api, &first()).await.unwrap();
    company.pass(10);
    assert_eq!(runs(&api).await, [Some(1), Some(1)]);
    (company, api)
}

impl Company {
    /// Makes a workload whose Pods read the Secret; `spec` is merged into its specification.
    pub(crate) fn make(&self, resource: &str, name: &str, spec: &Value) {
        let mut object = json!({
            "metadata": {"name": name, "labels": {"part-of": "goimg"}},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "api", "env": [
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                ]}]},
            }},
        });
        for (key, value) in spec.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        let (code, answer) = self.emulator.act(
            "kubectl",
            "POST",
            &format!("{APPS}/{resource}"),
            "application/json",
            &object,
        );
        assert_eq!(code, 201, "{answer}");
    }

    pub(crate) fn change(&self, resource: &str, name: &str, patch: &Value) {
        let content = "application/merge-patch+json";
        let target = format!("{APPS}/{resource}/{name}");
        let (code, answer) = self.emulator.act("kubectl", "PATCH", &target, content, patch);
        assert_eq!(code, 200, "{answer}");
    }

    pub(crate) fn object(&self, resource: &str, name: &str) -> Value {
        let target = format!("{APPS}/{resource}/{name}");
        let (code, object) = self.emulator.act("kubectl", "GET", &target, "", &Value::Null);
        assert_eq!(code, 200, "{object}");
        object
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) fn workload(&self, config: &str) -> KubernetesWorkload {
        let config = toml::from_str(config).unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        KubernetesWorkload::new(&config, &self.folder, &clock, &self.clusters).unwrap()
    }
}

pub(crate) async fn roll_out(workload: &KubernetesWorkload, view: &View) -> Result<(), PortError> {
    workload.roll_out(&rotation_id(1), &name(), view).await.map(drop)
}

/// What each instance runs, and how that is known.
pub(crate) async fn instances(workload: &KubernetesWorkload) -> Vec<(Option<u64>, String)> {
    let WorkloadReport::Instances(found) = workload.report(&name()).await.unwrap() else {
        panic!("it can always tell");
    };
    let revision = |revision: Option<Revision>| revision.map(|revision| revision.0);
    found
        .into_iter()
        .map(|one| (revision(one.revision), one.detail))
        .collect()
}

/// What each instance runs, in order.
pub(crate) async fn runs(workload: &KubernetesWorkload) -> Vec<Option<u64>> {
    let mut runs: Vec<_> = instances(workload)
        .await
        .into_iter()
        .map(|(revision, _)| revision)
        .collect();
    runs.sort_unstable();
    runs
}

/// Looks until the report says so, as a driver does: what watches tell takes its time.
pub(crate) async fn until_runs(workload: &KubernetesWorkload, expected: &[Option<u64>]) {
    let mut found = Vec::new();
    for _ in 0..10_000 {
        found = runs(workload).await;
        if found == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{found:?} and not {expected:?}");
}
