//! `[[credential.probe]]`: what tells whether the consumers are well.

use std::path::Path;

use keywheel_local::config::ProbeConfig as LocalProbe;
#[cfg(feature = "prometheus")]
use keywheel_prometheus::config::{AlertProbeConfig, QueryProbeConfig};

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
        "prometheus" => {
            let password = SecretPlace::take(&mut section, "token", base)?;
            let mut config: QueryProbeConfig = section.read()?;
            config.ca_file = config.ca_file.map(|file| base.join(file));
            Ok(ProbeConfig::Query(Guarded { config, password }))
        }
        #[cfg(feature = "prometheus")]
        "alertmanager" => {
            let password = SecretPlace::take(&mut section, "token", base)?;
            let mut config: AlertProbeConfig = section.read()?;
            config.ca_file = config.ca_file.map(|file| base.join(file));
            Ok(ProbeConfig::Alerts(Guarded { config, password }))
        }
        _ => section.read().map(LocalProbe::Http).map(ProbeConfig::Local),
    }
}
