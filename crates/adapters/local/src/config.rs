//! The sections of `keywheel.toml` that this adapter reads. Unknown fields are refused, lengths of time and modes are text
//! that people can read, and relative paths count from the folder of the configuration file.

mod probe;
mod store;
mod values;
mod workload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::ports::Clock;
use serde::Deserialize;

pub use probe::{CommandProbeConfig, HttpProbeConfig, JsonCheck, ProbeConfig};
pub use store::{Each, FileEntry, FileStoreConfig, Preset};
pub use values::{Length, Mode};
pub use workload::{CommandWorkloadConfig, QuietWorkloadConfig, ReportConfig, WorkloadConfig};

/// What the parts of this adapter share.
#[derive(Clone)]
pub struct Surroundings {
    /// The folder that relative paths count from, and in which commands run.
    pub base: PathBuf,
    /// Time limits, ages and pauses.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// Where retired versions are put away.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveConfig {
    /// The folder of the sealed copies.
    pub folder: PathBuf,
    /// Files to destroy once the sealed copy is safe, where they hold the archived version: overwritten three times, synced,
    /// removed. Symbolic links are never followed.
    #[serde(default)]
    pub originals: Vec<PathBuf>,
}

/// The keys that seal material.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// A file with 32 random bytes in base64, mode 0600. Either this or `env`.
    pub file: Option<PathBuf>,
    /// The name of an environment variable that holds the same text.
    pub env: Option<String>,
    /// Keys that no longer wrap and still unwrap what they wrapped.
    #[serde(default)]
    pub old: Vec<OldKeyConfig>,
}

/// A key that no longer wraps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldKeyConfig {
    /// As in [`KeyConfig::file`].
    pub file: Option<PathBuf>,
    /// As in [`KeyConfig::env`].
    pub env: Option<String>,
}

/// A default length, in seconds.
pub(crate) const fn seconds(seconds: i64) -> Length {
    Length(SignedDuration::from_secs(seconds))
}
