//! The contract suites that every implementation of a port passes.

use std::sync::Arc;

use keywheel_domain::ports::SecretStore;
use keywheel_testkit::contract;

use crate::support::company;

#[tokio::test]
async fn a_secret_keeps_the_contract_of_a_store() {
    let company = company().await;
    contract::secret_store::check(&|| {
        let store = company.fresh_store();
        Box::pin(async move { Arc::new(store) as Arc<dyn SecretStore> })
    })
    .await;
}
