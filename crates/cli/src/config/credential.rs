//! One `[[credential]]` with everything under it.

use std::path::{Path, PathBuf};

use keywheel_domain::id::CredentialName;
use keywheel_domain::policy::Policy;
#[cfg(feature = "kubernetes")]
use keywheel_kubernetes::{RolloutConfig, SecretConfig};
use keywheel_local::config::{ArchiveConfig, FileStoreConfig, WorkloadConfig};
use serde::Deserialize;

use super::document::Section;
use super::error::ConfigError;
use super::issuer::{IssuerConfig, KINDS, SecretPlace};
use super::policy::PolicyConfig;
use super::probe::{self, ProbeConfig};

const FIELDS: [&str; 9] = [
    "name", "kind", "existing", "issuer", "policy", "store", "workload", "probe", "archive",
];

/// A configured credential. Its paths are whole.
#[derive(Debug)]
pub(crate) struct CredentialConfig {
    pub(crate) name: CredentialName,
    pub(crate) kind: String,
    pub(crate) existing: ExistingConfig,
    pub(crate) issuer: IssuerConfig,
    pub(crate) policy: Policy,
    pub(crate) stores: Vec<StoreConfig>,
    pub(crate) workloads: Vec<ConsumerConfig>,
    pub(crate) probes: Vec<ProbeConfig>,
    pub(crate) archive: Option<ArchiveConfig>,
}

/// Where consumers read a credential.
#[derive(Debug)]
pub(crate) enum StoreConfig {
    Files(FileStoreConfig),
    #[cfg(feature = "kubernetes")]
    Kubernetes(SecretConfig),
}

/// What consumes a credential.
#[derive(Debug)]
pub(crate) enum ConsumerConfig {
    Local(WorkloadConfig),
    #[cfg(feature = "kubernetes")]
    Kubernetes(RolloutConfig),
}

impl StoreConfig {
    /// The folder of files, where it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Files(files) => Some(&files.folder),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => None,
        }
    }
}

/// The kinds of stores.
const STORES: &[&str] = &[
    "files",
    #[cfg(feature = "kubernetes")]
    "kubernetes",
];
/// The kinds of workloads.
const WORKLOADS: &[&str] = &[
    "none",
    "command",
    #[cfg(feature = "kubernetes")]
    "kubernetes",
];

/// The key or the login that exists, which `keywheel adopt` reads.
#[derive(Debug, Default)]
pub(crate) struct ExistingConfig {
    /// PKCS#1 or PKCS#8 PEM. Without it: `jwt_private.pem` in the folder of the first store.
    pub(crate) private_key: Option<PathBuf>,
    /// Its public half, checked against it. Without it: `jwt_public.pem` beside the private key, where there is one.
    pub(crate) public_key: Option<PathBuf>,
    /// The user or role. Without it: the one that the issuer names.
    pub(crate) username: Option<String>,
    /// Where its password is. Without it: `keywheel adopt` asks.
    pub(crate) password: Option<SecretPlace>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExistingKey {
    private_key: Option<PathBuf>,
    public_key: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExistingLogin {
    username: Option<String>,
}

/// Reads a `[[credential]]`.
pub(super) fn read(mut section: Section<'_>, base: &Path) -> Result<CredentialConfig, ConfigError> {
    let name: CredentialName = section.required("name", "\"goimg/jwt\"")?;
    let mut section = section.owned_by(name.as_str());
    let kind = section.kind(KINDS)?;
    let (existing, archived) = (section.section("existing")?, section.section("archive")?);
    let (issuer, policy) = (section.section("issuer")?, section.section("policy")?);
    let (stores, workloads) = (section.sections("store")?, section.sections("workload")?);
    let probes = section.sections("probe")?;
    let place = section.place();
    // What is misspelled is said before what is missing because of that.
    section.finish(&FIELDS)?;
    let issuer = issuer.ok_or_else(|| place.error(IssuerConfig::missing(&kind)))?;
    let no_policy = "it has no policy; add `[credential.policy]` with `period = \"6 months\"`";
    let policy = policy.ok_or_else(|| place.error(no_policy))?;
    let existing = existing.map(|section| existing_of(&kind, section, base)).transpose()?;
    Ok(CredentialConfig {
        name,
        existing: existing.unwrap_or_default(),
        issuer: IssuerConfig::read(&kind, issuer, base)?,
        kind,
        policy: policy.read::<PolicyConfig>()?.into(),
        stores: stores.into_iter().map(store).collect::<Result<_, _>>()?,
        workloads: workloads.into_iter().map(workload).collect::<Result<_, _>>()?,
        probes: probes
            .into_iter()
            .map(|section| probe::read(section, base))
            .collect::<Result<_, _>>()?,
        archive: archived.map(archive).transpose()?,
    })
}

fn existing_of(kind: &str, mut section: Section<'_>, base: &Path) -> Result<ExistingConfig, ConfigError> {
    if kind == "jwt_signing_key" {
        let key: ExistingKey = section.read()?;
        let whole = |path: Option<PathBuf>| path.map(|path| base.join(path));
        return Ok(ExistingConfig {
            private_key: whole(key.private_key),
            public_key: whole(key.public_key),
            ..ExistingConfig::default()
        });
    }
    let password = SecretPlace::take(&mut section, "password", base)?;
    let login: ExistingLogin = section.read()?;
    Ok(ExistingConfig {
        username: login.username,
        password,
        ..ExistingConfig::default()
    })
}

fn store(mut section: Section<'_>) -> Result<StoreConfig, ConfigError> {
    match section.kind(STORES)?.as_str() {
        #[cfg(feature = "kubernetes")]
        "kubernetes" => section.read().map(StoreConfig::Kubernetes),
        _ => section.read().map(StoreConfig::Files),
    }
}

fn workload(mut section: Section<'_>) -> Result<ConsumerConfig, ConfigError> {
    let local = match section.kind(WORKLOADS)?.as_str() {
        #[cfg(feature = "kubernetes")]
        "kubernetes" => return section.read().map(ConsumerConfig::Kubernetes),
        "command" => section.read().map(WorkloadConfig::Command)?,
        _ => section.read().map(WorkloadConfig::None)?,
    };
    Ok(ConsumerConfig::Local(local))
}

fn archive(mut section: Section<'_>) -> Result<ArchiveConfig, ConfigError> {
    section.kind(&["folder"])?;
    section.read()
}
