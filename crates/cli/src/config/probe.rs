//! `[[credential.probe]]`: what tells whether the consumers are well.

use std::path::Path;

use keywheel_local::config::ProbeConfig as LocalProbe;
#[cfg(feature = "prometheus")]
use keywheel_prometheus::config::{AlertProbeConfig, QueryProbeConfig};
#[cfg(feature = "prometheus")]
use serde::de::DeserializeOwned;

use super::document::Section;
use super::error::ConfigError;
#[cfg(feature = "prometheus")]
use super::issuer::{Guarded, SecretPlace};

const KINDS: &[&str] = &[
    "http",
    "command",
    #[cfg(feature = "prometheus")]
    "prometheus",
    #[cfg(feature = "prometheus")]
    "alertmanager",
];

/// A guard of a rotation. Its paths are whole, but for those of a local one.
#[derive(Debug)]
pub(crate) enum ProbeConfig {
    Local(LocalProbe),
    #[cfg(feature = "prometheus")]
    Query(Guarded<QueryProbeConfig>),
    #[cfg(feature = "prometheus")]
    Alerts(Guarded<AlertProbeConfig>),
}

/// Reads a `[[credential.probe]]`.
#[cfg_attr(
    not(feature = "prometheus"),
    expect(unused_variables, reason = "a local probe knows its base")
)]
pub(super) fn read(mut section: Section<'_>, base: &Path) -> Result<ProbeConfig, ConfigError> {
    match section.kind(KINDS)?.as_str() {
        "command" => section.read().map(LocalProbe::Command).map(ProbeConfig::Local),
        #[cfg(feature = "prometheus")]
        "prometheus" => server(section, base, QueryProbeConfig::relative_to).map(ProbeConfig::Query),
        #[cfg(feature = "prometheus")]
        "alertmanager" => server(section, base, AlertProbeConfig::relative_to).map(ProbeConfig::Alerts),
        _ => section.read().map(LocalProbe::Http).map(ProbeConfig::Local),
    }
}

/// A server that may want a token.
#[cfg(feature = "prometheus")]
fn server<T: DeserializeOwned>(
    mut section: Section<'_>,
    base: &Path,
    whole: impl Fn(T, &Path) -> T,
) -> Result<Guarded<T>, ConfigError> {
    let password = SecretPlace::take(&mut section, "token", base)?;
    let config = whole(section.read()?, base);
    Ok(Guarded { config, password })
}
