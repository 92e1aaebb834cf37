//! Secrets that never change, and templates that name the one of their delivery.

use std::sync::Arc;

use keywheel_domain::ports::{ErrorKind, SecretStore, Severity, Workload};
use keywheel_testkit::contract;
use keywheel_testkit::contract::secret_store::delivery;
use keywheel_testkit::kubernetes::Mishap;
use serde_json::{Value, json};

use crate::scene::{API, first, roll_out, runs, second};
use crate::support::{Company, SECRETS, USUAL, company, deliver};

fn config() -> String {
    format!("immutable = true\n{USUAL}")
}

fn secret(company: &Company, name: &str) -> (u16, Value) {
    company
        .emulator
        .act("test", "GET", &format!("{SECRETS}/{name}"), "", &Value::Null)
}

#[tokio::test]
async fn a_store_of_immutable_secrets_keeps_its_contract() {
    let companies: Vec<Company> = futures_util::future::join_all((0..20).map(|_| company())).await;
    let free = std::sync::Mutex::new(companies.iter());
    contract::secret_store::check(&|| {
        let store = free.lock().unwrap().next().unwrap().store(&config());
        Box::pin(async move { Arc::new(store) as Arc<dyn SecretStore> })
    })
    .await;
}

#[tokio::test]
async fn every_delivery_has_a_secret_of_its_own() {
    let company = company().await;
    let store = company.store(&config());
    deliver(&store, &first(), None).await.unwrap();
    deliver(&store, &second(), Some(&first())).await.unwrap();
    for name in ["db-r1", "db-r2"] {
        let (code, secret) = secret(&company, name);
        assert_eq!((code, &secret["immutable"]), (200, &json!(true)), "{secret}");
        assert!(!secret["data"]["password"].is_null());
    }
    assert!(
        company.secret()["data"]["password"].is_null(),
        "the one that points holds nothing"
    );
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_gone_on_with_and_a_foreign_secret_is_not_taken() {
    let company = company().await;
    let store = company.store(&config());
    deliver(&store, &first(), None).await.unwrap();
    company.emulator.fail("POST", "/secrets", Mishap::CutAfter, 1);
    deliver(&store, &second(), Some(&first())).await.unwrap_err();
    assert_eq!(
        store.read_back(&delivery(&first()).credential).await.unwrap(),
        Some(first())
    );
    deliver(&store, &second(), Some(&first())).await.unwrap();
    let third = first().at(keywheel_domain::id::Revision(3));
    let foreign = json!({"metadata": {"name": "db-r3"}});
    company
        .emulator
        .act("kubectl", "POST", SECRETS, "application/json", &foreign);
    let refused = deliver(&store, &third, Some(&second())).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    assert_eq!(
        store.read_back(&delivery(&first()).credential).await.unwrap(),
        Some(second())
    );
}

#[tokio::test]
async fn templates_are_changed_to_name_the_secret_of_the_delivery() {
    let company = company().await;
    let store = company.store(&config());
    deliver(&store, &first(), None).await.unwrap();
    company.make("deployments", "api", &json!({"replicas": 2}));
    company.pass(2);
    let api = company.workload(API);
    let name = "/spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/name";
    for (view, before, expected) in [(first(), None, "db-r1"), (second(), Some(first()), "db-r2")] {
        deliver(&store, &view, before.as_ref()).await.unwrap();
        let found = api.preflight().await.unwrap();
        assert!(found.iter().all(|one| one.severity == Severity::Fine), "{found:?}");
        roll_out(&api, &view).await.unwrap();
        roll_out(&api, &view).await.unwrap();
        company.pass(10);
        assert_eq!(company.object("deployments", "api").pointer(name).unwrap(), expected);
        assert_eq!(runs(&api).await, [Some(view.revision.0); 2]);
    }
    let image = company.object("deployments", "api")["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image, "api", "everything else is as it was");
}
