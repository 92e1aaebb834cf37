//! What the adapter relies on, asked of an API server over TCP: of the emulator, or of a real one where `KEYWHEEL_TEST_KUBECONFIG`
//! names a kubeconfig. Each test has a namespace of its own there, and removes it.

mod apply;
mod ports;
mod versions;
mod views;
mod writes;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Request;
use jiff::Timestamp;
use keywheel_testkit::clock::TestClock;
use keywheel_testkit::kubernetes::Emulator;
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A namespace of a cluster.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) kubeconfig: PathBuf,
    /// The emulator's time; a real cluster has its own.
    pub(crate) clock: Arc<TestClock>,
    emulator: Option<Emulator>,
    _folder: tempfile::TempDir,
}

/// Runs a test in a namespace of its own.
pub(crate) async fn with_place(test: impl AsyncFnOnce(&Place)) {
    let clock = TestClock::starting_at(Timestamp::constant(1_767_225_600, 0));
    let folder = tempfile::tempdir().unwrap();
    let (kubeconfig, emulator) = match real_cluster() {
        Some(path) => (path, None),
        None => {
            let emulator = Emulator::start(&clock).await;
            let path = folder.path().join("kubeconfig");
            std::fs::write(&path, emulator.kubeconfig()).unwrap();
            (path, Some(emulator))
        }
    };
    let file = Kubeconfig::read_from(&kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .unwrap();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let place = Place {
        client: Client::try_from(config).unwrap(),
        namespace: format!("keywheel-test-{}-{number}", std::process::id()),
        kubeconfig,
        clock,
        emulator,
        _folder: folder,
    };
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.namespace}});
    let (code, answer) = place
        .send("POST", "/api/v1/namespaces", "application/json", &namespace)
        .await;
    assert_eq!(code, 201, "{answer}");
    test(&place).await;
    place
        .send(
            "DELETE",
            &format!("/api/v1/namespaces/{}", place.namespace),
            "application/json",
            &json!({}),
        )
        .await;
}

/// The kubeconfig of a real cluster, where somebody names one.
#[expect(
    clippy::disallowed_methods,
    reason = "it chooses what a test runs on, and nothing that is delivered reads it"
)]
fn real_cluster() -> Option<PathBuf> {
    std::env::var_os("KEYWHEEL_TEST_KUBECONFIG").map(PathBuf::from)
}

impl Place {
    pub(crate) fn is_real(&self) -> bool {
        self.emulator.is_none()
    }

    pub(crate) fn secrets(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }

    pub(crate) fn deployments(&self) -> String {
        format!("/apis/apps/v1/namespaces/{}/deployments", self.namespace)
    }

    /// Sends a request: the status code and the answer.
    pub(crate) async fn send(&self, method: &str, path: &str, content: &str, body: &Value) -> (u16, Value) {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content);
        let request = request
            .header("accept", "application/json")
            .header("user-agent", "semantics/1");
        let response = self
            .client
            .send(request.body(Body::from(bytes)).unwrap())
            .await
            .unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        (code, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (code, object) = self.send("GET", path, "application/json", &Value::Null).await;
        assert_eq!(code, 200, "{object}");
        object
    }

    /// A Secret with these keys, made as somebody called `other`.
    pub(crate) async fn secret(&self, name: &str, keys: &Value) -> Value {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": keys});
        let path = format!("{}?fieldManager=other", self.secrets());
        let (code, made) = self.send("POST", &path, "application/json", &object).await;
        assert_eq!(code, 201, "{made}");
        made
    }

    /// A Deployment of two containers and no Pod.
    pub(crate) async fn deployment(&self, name: &str) -> Value {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "a", "image": "a"}, {"name": "b", "image": "b", "env": [
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                ]}]},
            }},
        });
        let (code, made) = self
            .send("POST", &self.deployments(), "application/json", &object)
            .await;
        assert_eq!(code, 201, "{made}");
        made
    }
}

/// A `Status`'s reason.
pub(crate) fn reason(answer: &Value) -> &str {
    assert_eq!(
        (&answer["kind"], &answer["status"]),
        (&json!("Status"), &json!("Failure")),
        "{answer}"
    );
    answer["reason"].as_str().unwrap()
}

pub(crate) fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap()
}
