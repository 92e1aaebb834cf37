//! The contract suites of the ports, each check on a file of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use keywheel_domain::ports::{AuditLog, Journal, MaterialStore};
use keywheel_sqlite::Sqlite;
use keywheel_testkit::contract;
use tempfile::TempDir;

/// Files that nobody used yet.
struct Files {
    folder: TempDir,
    next: AtomicU64,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{number}.db"))
    }

    fn fresh(&self) -> BoxFuture<'static, Arc<Sqlite>> {
        let path = self.next();
        async move { Sqlite::open(&path).await.unwrap() }.boxed()
    }
}

/// Three instances on one file, as a company may have processes, and four tasks that use each of them.
async fn instances() -> (Files, Vec<Arc<Sqlite>>) {
    let files = Files::new();
    let path = files.next();
    let mut instances = Vec::new();
    for _ in 0..3 {
        let instance = Sqlite::open(&path).await.unwrap();
        instances.extend(std::iter::repeat_n(instance, 4));
    }
    (files, instances)
}

#[tokio::test]
async fn the_journal_keeps_its_contract() {
    let files = Files::new();
    contract::journal::check(&|| files.fresh().map(|database| database as Arc<dyn Journal>).boxed()).await;
}

#[tokio::test]
async fn the_material_store_keeps_its_contract() {
    let files = Files::new();
    contract::material_store::check(&|| files.fresh().map(|database| database as Arc<dyn MaterialStore>).boxed()).await;
}

#[tokio::test]
async fn the_audit_log_keeps_its_contract() {
    let files = Files::new();
    contract::audit_log::check(&|| files.fresh().map(|database| database as Arc<dyn AuditLog>).boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_on_one_file_never_both_move_a_rotation() {
    let (_files, instances) = instances().await;
    let handles: Vec<_> = instances
        .into_iter()
        .map(|instance| instance as Arc<dyn Journal>)
        .collect();
    contract::journal::check_race(&handles).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_on_one_file_never_fork_the_audit_chain() {
    let (_files, instances) = instances().await;
    let handles: Vec<_> = instances
        .into_iter()
        .map(|instance| instance as Arc<dyn AuditLog>)
        .collect();
    contract::audit_log::check_race(&handles).await;
}
