//! The contract suites that every implementation of a port passes.

use std::fs;
use std::sync::Arc;

use keywheel_domain::ports::{Archive, HealthProbe, KeyProvider, SecretStore, Workload};
use keywheel_local::config::{ArchiveConfig, KeyConfig, ProbeConfig, WorkloadConfig};
use keywheel_local::{FolderArchive, LocalKeys, LocalWorkload, OsEntropy, SystemClock, create_key_file, health_probe};
use keywheel_testkit::contract;
use keywheel_testkit::contract::health_probe::Probes;

use crate::support::{USUAL, place, surroundings};

#[tokio::test]
async fn the_file_store_keeps_its_contract() {
    let places: Vec<_> = (0..20).map(|_| place()).collect();
    let mut free = places.iter();
    let fresh = std::sync::Mutex::new(&mut free);
    contract::secret_store::check(&|| {
        let store = fresh.lock().unwrap().next().unwrap().store(USUAL);
        Box::pin(async move { Arc::new(store) as Arc<dyn SecretStore> })
    })
    .await;
}

#[tokio::test]
async fn the_folder_archive_keeps_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    contract::archive::check(&|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let config = ArchiveConfig {
            folder: format!("archive-{number}").into(),
            originals: Vec::new(),
        };
        let archive = FolderArchive::new(&config, &surroundings(folder.path()));
        Box::pin(async move { Arc::new(archive) as Arc<dyn Archive> })
    })
    .await;
}

#[tokio::test]
async fn keys_of_files_and_variables_keep_their_contract() {
    let folder = tempfile::tempdir().unwrap();
    create_key_file(&folder.path().join("one.key"), &OsEntropy).unwrap();
    let of_file = KeyConfig {
        file: Some("one.key".into()),
        env: None,
        old: Vec::new(),
    };
    let of_variable = KeyConfig {
        file: None,
        env: Some("KEYWHEEL_KEY".to_owned()),
        old: Vec::new(),
    };
    let variable = |_: &str| Some("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned().into());
    let load = |config| Arc::new(LocalKeys::load(config, folder.path(), &variable).unwrap()) as Arc<dyn KeyProvider>;
    contract::key_provider::check(&load(&of_file), &load(&of_variable)).await;
    contract::key_provider::check(&load(&of_variable), &load(&of_file)).await;
}

#[tokio::test]
async fn workloads_keep_their_contract() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.json"),
        r#"{"instance":"a","revision":1,"verifications":{}}"#,
    )
    .unwrap();
    for config in [
        "kind = 'command'\nname = 'api'\nroll_out = ['true']",
        "kind = 'command'\nname = 'api'\nroll_out = ['true']\npreflight = ['true']\nreport.files = ['*.json']",
        "kind = 'command'\nname = 'api'\nroll_out = ['true']\nreport.command = ['cat', 'a.json']",
        "kind = 'none'\nname = 'api'",
        "kind = 'none'\nname = 'api'\nreport.files = ['a.json']",
    ] {
        let config: WorkloadConfig = toml::from_str(config).unwrap();
        let mut surroundings = surroundings(folder.path());
        surroundings.clock = Arc::new(SystemClock);
        contract::workload::check(&|| {
            let workload = LocalWorkload::new(&config, &surroundings).unwrap();
            Box::pin(async move { Arc::new(workload) as Arc<dyn Workload> })
        })
        .await;
    }
}

#[tokio::test]
async fn commands_as_health_probes_keep_their_contract() {
    let folder = tempfile::tempdir().unwrap();
    let probe = |command: &str| -> Arc<dyn HealthProbe> {
        let text = format!("kind = 'command'\nname = 'api'\ncommand = {command}");
        let config: ProbeConfig = toml::from_str(&text).unwrap();
        let mut surroundings = surroundings(folder.path());
        surroundings.clock = Arc::new(SystemClock);
        health_probe(&config, &surroundings).unwrap()
    };
    contract::health_probe::check(&Probes {
        healthy: probe("['true']"),
        unhealthy: probe("['sh', '-c', 'echo 3 of 5 ready; exit 1']"),
        unknown: vec![
            probe("['keywheel-no-such-program']"),
            probe("['sh', '-c', 'kill -9 $$']"),
            probe("['sleep', '600']\ntimeout = '1 ms'"),
        ],
    })
    .await;
}

#[tokio::test]
async fn the_system_clock_keeps_its_contract() {
    contract::clock::check(&SystemClock).await;
}

#[test]
fn the_systems_entropy_keeps_its_contract() {
    contract::entropy::check(&OsEntropy);
}
