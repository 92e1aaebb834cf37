//! Folders, clocks and deliveries.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::evidence::Evidence;
use keywheel_domain::ports::{Clock, PortError, SecretStore};
use keywheel_domain::view::View;
use keywheel_local::config::FileStoreConfig;
use keywheel_local::{FileStore, Surroundings};
use keywheel_testkit::contract::secret_store::delivery;

/// A clock on which every pause is over at once, so that a test never waits.
#[derive(Debug)]
pub(crate) struct Hurry;

#[async_trait]
impl Clock for Hurry {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_767_225_600, 0)
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    async fn sleep(&self, _time: SignedDuration) {}
}

pub(crate) fn surroundings(base: &Path) -> Surroundings {
    Surroundings {
        base: base.to_owned(),
        clock: Arc::new(Hurry),
    }
}

/// A temporary folder with a store in its folder `secrets`.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: PathBuf,
}

pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    Place { folder, secrets }
}

/// Two files, one of them with secrets, and one file for each accepted version.
pub(crate) const USUAL: &str = r#"
folder = "secrets"

[[file]]
path = "password"
template = "{{ primary.password }}\n"

[[file]]
path = "app.yaml"
template = "revision: {{ revision }}\nrole: {{ primary.role }}\n"

[[file]]
path = "role_{{ version.number }}"
each = "accepted"
template = "{{ version.role }}"
"#;

impl Place {
    pub(crate) fn store(&self, config: &str) -> FileStore {
        self.try_store(config).unwrap()
    }

    pub(crate) fn try_store(&self, config: &str) -> Result<FileStore, PortError> {
        let config: FileStoreConfig = toml::from_str(config).expect("the test's configuration is right");
        FileStore::new(&config, &surroundings(self.folder.path()))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.secrets.join(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.secrets.join(name)).unwrap().mode() & 0o7777
    }

    /// Every name in the folder of the store.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.secrets).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Everything below the temporary folder: names, link targets, modes and contents.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found
    }
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let content = if metadata.is_symlink() {
        format!("{:?}", fs::read_link(path).unwrap())
    } else if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
        String::new()
    } else {
        format!("{:?}", fs::read(path).unwrap())
    };
    found.insert(path.to_owned(), format!("{:o} {content}", metadata.mode()));
}

/// Delivers that view with the sample credential's material.
pub(crate) async fn deliver(store: &FileStore, view: &View, expected: Option<&View>) -> Result<Evidence, PortError> {
    store.deliver(&delivery(view), expected).await
}

/// The sample credential's password of that version.
pub(crate) fn password(view: &View, number: u64) -> String {
    let delivery = delivery(view);
    let version = delivery.version(keywheel_domain::id::VersionNumber(number)).unwrap();
    let secret = version.material.get("password").unwrap();
    secret.expose_text().unwrap().to_owned()
}
