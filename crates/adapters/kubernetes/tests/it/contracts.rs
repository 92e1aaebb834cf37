//! The contract suites that every implementation of a port passes.

use std::sync::Arc;

use keywheel_domain::ports::{SecretStore, Workload};
use keywheel_testkit::contract;

use crate::scene::{API, first};
use crate::support::{USUAL, company, deliver};

#[tokio::test]
async fn a_secret_keeps_the_contract_of_a_store() {
    let company = company().await;
    contract::secret_store::check(&|| {
        let store = company.fresh_store();
        Box::pin(async move { Arc::new(store) as Arc<dyn SecretStore> })
    })
    .await;
}

#[tokio::test]
async fn workloads_keep_their_contract() {
    let company = company().await;
    deliver(&company.store(USUAL), &first(), None).await.unwrap();
    for (resource, name) in [
        ("deployments", "api"),
        ("statefulsets", "queue"),
        ("daemonsets", "probe"),
    ] {
        company.make(resource, name, &serde_json::json!({}));
    }
    company.pass(2);
    let all = "cluster.kubeconfig = 'kubeconfig'\nname = 'all'\nsecret_name = 'db'\nselector = 'part-of=goimg'";
    for config in [API, all] {
        contract::workload::check(&|| {
            let workload = company.workload(config);
            Box::pin(async move { Arc::new(workload) as Arc<dyn Workload> })
        })
        .await;
        company.pass(20);
    }
}
