//! What the tests share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use keywheel_domain::ports::{Clock, PortError, SecretStore};
use keywheel_domain::view::View;
use keywheel_kubernetes::{Clusters, KubernetesSecret};
use keywheel_testkit::clock::TestClock;
use keywheel_testkit::contract::secret_store::delivery;
use keywheel_testkit::kubernetes::Emulator;
use serde_json::{Value, json};

/// Where the tests' Secrets are.
pub(crate) const SECRETS: &str = "/api/v1/namespaces/goimg/secrets";
/// A store with the keys that the contract suite may use.
pub(crate) const USUAL: &str = "\
cluster.kubeconfig = 'kubeconfig'
secret_name = 'db'
[[key]]
name = 'username'
template = '{{ primary.role }}'
[[key]]
name = 'password'
template = '{{ primary.password }}'
";

/// A cluster with its clock, and a folder with its kubeconfig.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) folder: PathBuf,
    _kept: tempfile::TempDir,
    pub(crate) clusters: Clusters,
    stores: AtomicUsize,
}

pub(crate) async fn company() -> Company {
    let clock = TestClock::starting_at(Timestamp::constant(1_767_225_600, 0));
    let kept = tempfile::tempdir().unwrap();
    let company = Company {
        emulator: Emulator::start(&clock).await,
        clock,
        folder: kept.path().to_owned(),
        _kept: kept,
        clusters: Clusters::default(),
        stores: AtomicUsize::new(0),
    };
    company.log_in();
    company
}

impl Company {
    /// Writes a kubeconfig with the login that is accepted now.
    pub(crate) fn log_in(&self) {
        std::fs::write(self.folder.join("kubeconfig"), self.emulator.kubeconfig()).unwrap();
    }

    pub(crate) fn store(&self, config: &str) -> KubernetesSecret {
        let config = toml::from_str(config).unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        KubernetesSecret::new(&config, &self.folder, &clock, &self.clusters).unwrap()
    }

    /// A store on a Secret that nothing else has used.
    pub(crate) fn fresh_store(&self) -> KubernetesSecret {
        let number = self.stores.fetch_add(1, Ordering::Relaxed);
        self.store(&USUAL.replace("'db'", &format!("'db-{number}'")))
    }

    /// The Secret as it is.
    pub(crate) fn secret(&self) -> Value {
        let (code, secret) = self
            .emulator
            .act("test", "GET", &format!("{SECRETS}/db"), "", &Value::Null);
        assert_eq!(code, 200, "{secret}");
        secret
    }

    /// Writes a Secret as `kubectl create` does.
    pub(crate) fn create_secret(&self, data: Value) {
        let secret = json!({"metadata": {"name": "db"}, "stringData": data});
        let (code, answer) = self
            .emulator
            .act("kubectl-create", "POST", SECRETS, "application/json", &secret);
        assert_eq!(code, 201, "{answer}");
    }

    /// Changes the Secret as `kubectl patch` does.
    pub(crate) fn patch_secret(&self, patch: Value) {
        let content = "application/merge-patch+json";
        let (code, answer) = self
            .emulator
            .act("kubectl-patch", "PATCH", &format!("{SECRETS}/db"), content, &patch);
        assert_eq!(code, 200, "{answer}");
    }
}

/// Delivers a view of the sample credential.
pub(crate) async fn deliver(store: &KubernetesSecret, view: &View, expected: Option<&View>) -> Result<(), PortError> {
    store.deliver(&delivery(view), expected).await.map(drop)
}
