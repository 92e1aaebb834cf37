//! A whole Keywheel on a folder of its own: SQLite, sealed material, one store of files.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Keywheel, Ports, Wiring};
use keywheel_domain::audit::AuditEvent;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::policy::{AtDeadline, EvidenceRule, Policy};
use keywheel_domain::ports::{AuditLog, Clock, Issuer};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_local::config::{FileEntry, FileStoreConfig, KeyConfig, QuietWorkloadConfig, WorkloadConfig};
use keywheel_local::{FileStore, LocalKeys, LocalWorkload, OsEntropy, Surroundings, SystemClock};
use keywheel_sqlite::Sqlite;
use zeroize::Zeroizing;

/// The file that clients read.
const LOGIN: &str = r#"{"username": {{ primary.username | json }}, "password": {{ primary.password | json }}}"#;
/// No rotation of a stage waits longer.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Waits of fractions of a second; everything else as usual.
pub fn quick() -> Policy {
    let millis = SignedDuration::from_millis;
    let mut policy = Policy::new(Period::months(3));
    policy.grace = millis(500);
    policy.retention = millis(0);
    policy.soak = millis(200);
    policy.observe = millis(300);
    policy.adopt_within = millis(1_500);
    policy.poll = millis(50);
    policy.retry.first = millis(100);
    policy.drain.evidence = EvidenceRule::Required;
    policy.drain.quiet = millis(200);
    policy.drain.deadline = SignedDuration::from_secs(60);
    policy.drain.at_deadline = AtDeadline::Hold;
    policy
}

/// A credential and everything around it.
#[derive(Debug)]
pub struct Stage {
    folder: tempfile::TempDir,
    /// The façade.
    pub keywheel: Keywheel,
    /// The credential.
    pub name: CredentialName,
    audit: Arc<dyn AuditLog>,
}

impl Stage {
    /// A stage for that issuer's credential.
    pub async fn new(kind: &str, issuer: Arc<dyn Issuer>, policy: Policy) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let key = folder.path().join("keywheel.key");
        keywheel_local::create_key_file(&key, &OsEntropy).expect("the folder takes a key file");
        let sqlite = Sqlite::open(&folder.path().join("keywheel.db")).await;
        let sqlite = sqlite.expect("the folder takes a database");
        let around = Surroundings {
            base: folder.path().to_owned(),
            clock: Arc::new(SystemClock),
        };
        let ports = ports(&sqlite, &around);
        let wiring = Wiring {
            stores: vec![Arc::new(store(&around, "shown"))],
            workloads: vec![Arc::new(quiet_workload(&around))],
            ..Wiring::new(kind, policy, issuer)
        };
        let name: CredentialName = "live/credential".parse().expect("it is a path of plain words");
        let driver = "live".parse().expect("it is a plain word");
        Self {
            keywheel: Keywheel::builder(ports, driver)
                .credential(name.clone(), wiring)
                .build(),
            audit: sqlite,
            folder,
            name,
        }
    }

    /// The file that clients read.
    pub fn login_file(&self) -> PathBuf {
        self.folder.path().join("shown/login.json")
    }

    /// Takes the login over that exists.
    ///
    /// # Errors
    /// Those of the adoption.
    pub async fn adopt(&self, username: &str, password: &str) -> Result<(), AppError> {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        let material = Material::single("username", secret(username)).with("password", secret(password));
        let adopted = self.keywheel.adopt(&self.name, &material, SystemClock.now(), "live");
        adopted.await.map(drop)
    }

    /// One rotation from its request to its rest.
    ///
    /// # Errors
    /// Those of the façade.
    pub async fn rotate(&self) -> Result<Driven, AppError> {
        let rotation = self.open().await?;
        self.keywheel.drive(&rotation, PATIENCE).await
    }

    /// Drives a rotation to its rest.
    ///
    /// # Errors
    /// Those of the façade.
    pub async fn drive(&self, rotation: &RotationId) -> Result<Driven, AppError> {
        self.keywheel.drive(rotation, PATIENCE).await
    }

    /// Drives it until something holds it for longer than a moment; what it waits for.
    ///
    /// # Panics
    /// Where it comes to rest first.
    pub async fn drive_until_held(&self, rotation: &RotationId) -> String {
        let moment = SignedDuration::from_secs(5);
        match self.keywheel.drive(rotation, moment).await.expect("the journal works") {
            Driven::Waits { why, .. } => why,
            other => panic!("nothing held it: {other:?}"),
        }
    }

    /// Everything that went wrong in the last rotation.
    pub async fn failures(&self) -> Vec<String> {
        let last = self
            .keywheel
            .history(&self.name)
            .await
            .expect("the journal can be read");
        last.first()
            .map(|rotation| rotation.failures().to_vec())
            .unwrap_or_default()
    }

    /// Asks for a rotation and does not drive it.
    ///
    /// # Errors
    /// Those of the façade.
    pub async fn open(&self) -> Result<RotationId, AppError> {
        let trigger = Trigger::Manual {
            reason: "live".to_owned(),
        };
        self.keywheel.open(&self.name, trigger, "live").await
    }

    /// What the audit log says about the last rotation.
    ///
    /// # Panics
    /// Where it says nothing.
    pub async fn last_record(&self) -> AuditEvent {
        let records = self.audit.read().await.expect("the audit log can be read");
        let last = records.last().expect("something is on record");
        last.event().expect("a record is an event")
    }
}

fn ports(sqlite: &Arc<Sqlite>, around: &Surroundings) -> Ports {
    let config = KeyConfig {
        file: Some("keywheel.key".into()),
        env: None,
        old: Vec::new(),
    };
    let keys = LocalKeys::load(&config, &around.base, &|_| None).expect("the key was just made");
    Ports {
        journal: sqlite.clone(),
        materials: sqlite.clone(),
        audit: sqlite.clone(),
        keys: Arc::new(keys),
        clock: Arc::clone(&around.clock),
        entropy: Arc::new(OsEntropy),
    }
}

/// A store of one file, `login.json`, in that folder.
///
/// # Panics
/// Never: it is well configured.
pub fn store(around: &Surroundings, folder: &str) -> FileStore {
    let login = FileEntry {
        path: "login.json".to_owned(),
        template: Some(LOGIN.to_owned()),
        template_file: None,
        each: None,
        mode: None,
        owner: None,
        group: None,
    };
    let config = FileStoreConfig {
        name: None,
        folder: folder.into(),
        folder_mode: None,
        owner: None,
        group: None,
        preset: None,
        files: vec![login],
        replace_existing: None,
    };
    FileStore::new(&config, around).expect("the store is well configured")
}

/// Clients that read the file whenever they connect.
///
/// # Panics
/// Never: it is well configured.
pub fn quiet_workload(around: &Surroundings) -> LocalWorkload {
    let config = WorkloadConfig::None(QuietWorkloadConfig {
        name: "clients".to_owned(),
        report: None,
    });
    LocalWorkload::new(&config, around).expect("the workload is well configured")
}
