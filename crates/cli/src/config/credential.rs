//! One `[[credential]]` with everything under it.

use std::path::{Path, PathBuf};

use keywheel_domain::id::CredentialName;
use keywheel_domain::policy::Policy;
use keywheel_jwt::{KeyRingConfig, VerifierConfig};
use keywheel_local::config::{ArchiveConfig, FileStoreConfig, ProbeConfig, WorkloadConfig};
use serde::Deserialize;

use super::document::Section;
use super::error::ConfigError;
use super::policy::PolicyConfig;

/// The kinds of credentials, as the audit log names them.
const KINDS: [&str; 1] = ["jwt_signing_key"];
const FIELDS: [&str; 9] = [
    "name", "kind", "existing", "issuer", "policy", "store", "workload", "probe", "archive",
];

/// A configured credential. Its paths are whole.
#[derive(Debug)]
pub(crate) struct CredentialConfig {
    pub(crate) name: CredentialName,
    pub(crate) kind: String,
    pub(crate) existing: ExistingConfig,
    pub(crate) issuer: KeyRingConfig,
    pub(crate) policy: Policy,
    pub(crate) stores: Vec<FileStoreConfig>,
    pub(crate) workloads: Vec<WorkloadConfig>,
    pub(crate) probes: Vec<ProbeConfig>,
    pub(crate) archive: Option<ArchiveConfig>,
}

/// The files of the key that exists, which `keywheel adopt` reads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExistingConfig {
    /// PKCS#1 or PKCS#8 PEM. Without it: `jwt_private.pem` in the folder of the first store.
    pub(crate) private_key: Option<PathBuf>,
    /// Its public half, checked against it. Without it: `jwt_public.pem` beside the private key, where there is one.
    pub(crate) public_key: Option<PathBuf>,
}

/// Reads a `[[credential]]`.
pub(super) fn read(mut section: Section<'_>, base: &Path) -> Result<CredentialConfig, ConfigError> {
    let name: CredentialName = section.required("name", "\"goimg/jwt\"")?;
    let mut section = section.owned_by(name.as_str());
    let kind = section.kind(&KINDS)?;
    let (existing, archived) = (section.section("existing")?, section.section("archive")?);
    let (issuer, policy) = (section.section("issuer")?, section.section("policy")?);
    let (stores, workloads) = (section.sections("store")?, section.sections("workload")?);
    let probes = section.sections("probe")?;
    let ring = "it has no issuer; add `[credential.issuer]` with `verifiers = [{ ring = \"/etc/api/keys\" }]`";
    let period = "it has no policy; add `[credential.policy]` with `period = \"6 months\"`";
    let (no_issuer, no_policy) = (section.error_here(ring), section.error_here(period));
    // What is misspelled is said before what is missing because of that.
    section.finish(&FIELDS)?;
    let existing = existing.map(Section::read).transpose()?.unwrap_or_default();
    Ok(CredentialConfig {
        name,
        kind,
        existing: existing_files(existing, base),
        issuer: key_ring(issuer.ok_or(no_issuer)?, base)?,
        policy: policy.ok_or(no_policy)?.read::<PolicyConfig>()?.into(),
        stores: stores.into_iter().map(store).collect::<Result<_, _>>()?,
        workloads: workloads.into_iter().map(workload).collect::<Result<_, _>>()?,
        probes: probes.into_iter().map(probe).collect::<Result<_, _>>()?,
        archive: archived.map(archive).transpose()?,
    })
}

fn existing_files(existing: ExistingConfig, base: &Path) -> ExistingConfig {
    let whole = |path: Option<PathBuf>| path.map(|path| base.join(path));
    ExistingConfig {
        private_key: whole(existing.private_key),
        public_key: whole(existing.public_key),
    }
}

fn key_ring(mut section: Section<'_>, base: &Path) -> Result<KeyRingConfig, ConfigError> {
    section.kind(&["key_ring"])?;
    let whole = section.error_here("");
    let mut config: KeyRingConfig = section.read()?;
    config.check().map_err(|error| whole.because(error.to_string()))?;
    for verifier in &mut config.verifiers {
        match verifier {
            VerifierConfig::Ring(path) | VerifierConfig::Jwks(path) => *path = base.join(&*path),
            VerifierConfig::PublicKeys(paths) => paths.iter_mut().for_each(|path| *path = base.join(&*path)),
        }
    }
    config.reports.iter_mut().for_each(|path| *path = base.join(&*path));
    Ok(config)
}

fn store(mut section: Section<'_>) -> Result<FileStoreConfig, ConfigError> {
    section.kind(&["files"])?;
    section.read()
}

fn workload(mut section: Section<'_>) -> Result<WorkloadConfig, ConfigError> {
    match section.kind(&["none", "command"])?.as_str() {
        "command" => section.read().map(WorkloadConfig::Command),
        _ => section.read().map(WorkloadConfig::None),
    }
}

fn probe(mut section: Section<'_>) -> Result<ProbeConfig, ConfigError> {
    match section.kind(&["http", "command"])?.as_str() {
        "command" => section.read().map(ProbeConfig::Command),
        _ => section.read().map(ProbeConfig::Http),
    }
}

fn archive(mut section: Section<'_>) -> Result<ArchiveConfig, ConfigError> {
    section.kind(&["folder"])?;
    section.read()
}
