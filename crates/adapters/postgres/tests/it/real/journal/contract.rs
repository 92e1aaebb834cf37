//! The contract suites of the ports, each check in a schema of its own.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use keywheel_domain::ports::{AuditLog, Journal, MaterialStore};
use keywheel_postgres::Database;
use keywheel_testkit::contract;

use super::{Place, open};

/// Opens schemas for a suite.
fn fresh(place: &Place) -> BoxFuture<'static, Arc<Database>> {
    let config = place.next();
    async move { open(&config).await }.boxed()
}

/// Three instances of one journal, as a company may have processes, and four tasks that use each of them.
async fn instances(place: &Place) -> Vec<Arc<Database>> {
    let config = place.next();
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.extend(std::iter::repeat_n(open(&config).await, 4));
    }
    instances
}

#[tokio::test]
async fn the_journal_keeps_its_contract() {
    let place = Place::start().await;
    contract::journal::check(&|| fresh(&place).map(|database| database as Arc<dyn Journal>).boxed()).await;
}

#[tokio::test]
async fn the_material_store_keeps_its_contract() {
    let place = Place::start().await;
    contract::material_store::check(&|| fresh(&place).map(|database| database as Arc<dyn MaterialStore>).boxed()).await;
}

#[tokio::test]
async fn the_audit_log_keeps_its_contract() {
    let place = Place::start().await;
    contract::audit_log::check(&|| fresh(&place).map(|database| database as Arc<dyn AuditLog>).boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_one_journal_never_both_move_a_rotation() {
    let place = Place::start().await;
    for _ in 0..5 {
        let instances = instances(&place).await.into_iter();
        let handles: Vec<_> = instances.map(|instance| instance as Arc<dyn Journal>).collect();
        contract::journal::check_race(&handles).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_one_journal_never_fork_the_audit_chain() {
    let place = Place::start().await;
    for _ in 0..5 {
        let instances = instances(&place).await.into_iter();
        let handles: Vec<_> = instances.map(|instance| instance as Arc<dyn AuditLog>).collect();
        contract::audit_log::check_race(&handles).await;
    }
}

/// A server, a database and a role may be set to what other applications like; the journal does not follow.
#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_a_server_that_is_set_otherwise() {
    let place = Place::start_with(&[
        ("default_transaction_isolation", "serializable"),
        ("default_transaction_read_only", "on"),
        ("synchronous_commit", "off"),
        ("search_path", "pg_catalog"),
        ("standard_conforming_strings", "off"),
        ("bytea_output", "escape"),
        ("jit_above_cost", "0"),
    ])
    .await;
    contract::journal::check(&|| fresh(&place).map(|database| database as Arc<dyn Journal>).boxed()).await;
    contract::material_store::check(&|| fresh(&place).map(|database| database as Arc<dyn MaterialStore>).boxed()).await;
    contract::audit_log::check(&|| fresh(&place).map(|database| database as Arc<dyn AuditLog>).boxed()).await;
}
