//! The adapter itself on that API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use keywheel_domain::ports::{Clock, SecretStore, Workload};
use keywheel_kubernetes::{Clusters, KubernetesSecret, KubernetesWorkload};
use keywheel_testkit::contract;

use super::{Place, with_place};
use crate::scene::{first, roll_out, runs};
use crate::support::{USUAL, deliver};

fn store(place: &Place, clusters: &Clusters, name: &str, immutable: bool) -> KubernetesSecret {
    let text = USUAL.replace("'kubeconfig'", &format!("'{}'", place.kubeconfig.display()));
    let text = text.replace(
        "'db'",
        &format!("'{name}'\nimmutable = {immutable}\nnamespace = '{}'", place.namespace),
    );
    let clock: Arc<dyn Clock> = place.clock.clone();
    KubernetesSecret::new(&toml::from_str(&text).unwrap(), &place.kubeconfig, &clock, clusters).unwrap()
}

#[tokio::test]
async fn secrets_keep_the_contract_of_a_store() {
    with_place(async |place| {
        let (clusters, number) = (Clusters::default(), AtomicUsize::new(0));
        for immutable in [false, true] {
            contract::secret_store::check(&|| {
                let number = number.fetch_add(1, Ordering::Relaxed);
                let store = store(place, &clusters, &format!("db-{number}"), immutable);
                Box::pin(async move { Arc::new(store) as Arc<dyn SecretStore> })
            })
            .await;
        }
    })
    .await;
}

/// Until the Deployment's controller has seen everything: time of the emulator, or of a real cluster.
async fn settled(place: &Place) {
    for _ in 0..300 {
        place.clock.advance(SignedDuration::from_secs(1));
        let object = place.get(&format!("{}/api", place.deployments())).await;
        if object["metadata"]["generation"] == object["status"]["observedGeneration"] {
            return;
        }
        if place.is_real() {
            wait_for_a_real_cluster().await;
        }
    }
    panic!("no controller looks at Deployments here");
}

#[expect(clippy::disallowed_methods, reason = "a real cluster has its own time")]
async fn wait_for_a_real_cluster() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A Deployment without Pods needs no node.
#[tokio::test]
async fn a_deployment_keeps_the_contract_of_a_workload() {
    with_place(async |place| {
        let clusters = Clusters::default();
        deliver(&store(place, &clusters, "db", false), &first(), None)
            .await
            .unwrap();
        place.deployment("api").await;
        settled(place).await;
        let text = format!(
            "name = 'api'\nsecret_name = 'db'\ndeployments = ['api']\nnamespace = '{}'\ncluster.kubeconfig = '{}'",
            place.namespace,
            place.kubeconfig.display()
        );
        let workload = || {
            let clock: Arc<dyn Clock> = place.clock.clone();
            KubernetesWorkload::new(&toml::from_str(&text).unwrap(), &place.kubeconfig, &clock, &clusters).unwrap()
        };
        roll_out(&workload(), &first()).await.unwrap();
        settled(place).await;
        assert_eq!(runs(&workload()).await, [Some(1)]);
        contract::workload::check(&|| {
            let workload = workload();
            Box::pin(async move { Arc::new(workload) as Arc<dyn Workload> })
        })
        .await;
    })
    .await;
}
