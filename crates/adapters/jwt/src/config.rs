//! What the owner of a signing key configures.

use std::fmt;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;
use thiserror::Error;

use crate::key::{Algorithm, DEFAULT_RSA_BITS, FLOOR_RSA_BITS};

/// A key ring: how its keys are made, and where it can be seen what verifiers accept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyRingConfig {
    /// What new keys sign with. RS256 unless said otherwise. Keys that exist keep their own.
    pub algorithm: Algorithm,
    /// The size of new RSA keys in bits: 2048, 3072, 4096 or 8192. 4096 unless said otherwise.
    pub bits: u32,
    /// The smallest RSA key in bits that is adopted. 4096 unless said otherwise, and never below 2048.
    pub minimum_bits: u32,
    /// Where it can be seen what verifiers accept; one at least.
    pub verifiers: Vec<VerifierConfig>,
    /// Reports that key rings write ([`Report`](crate::ring::Report)): files, or folders whose `.json` files are
    /// reports. Without any nobody can tell who uses a key.
    pub reports: Vec<PathBuf>,
    /// A key whose last use is younger than this is in use, and a report older than this is no answer. A minute unless
    /// said otherwise; it has to be longer than the pause between two reports.
    pub used_within: SignedDuration,
}

/// One place where it can be seen what a verifier accepts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifierConfig {
    /// A folder that a [`KeyRing`](crate::ring::KeyRing) is loaded from.
    Ring(PathBuf),
    /// The public key files (PEM) that one verifier reads. A file that is not there is a key that is not accepted, as
    /// long as another one is there.
    PublicKeys(Vec<PathBuf>),
    /// A published key set (RFC 7517).
    Jwks(PathBuf),
}

/// Why a configuration cannot work, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No such size.
    #[error("`bits` is {0}: write 2048, 3072, 4096 or 8192")]
    Bits(u32),
    /// New keys would not be adopted.
    #[error("`bits` is {bits}, which is below `minimum_bits` = {minimum}: make `bits` larger")]
    BelowMinimum {
        /// The size of new keys.
        bits: u32,
        /// The smallest size.
        minimum: u32,
    },
    /// Smaller than anybody should verify with.
    #[error("`minimum_bits` is {0}: write 2048 or more")]
    Minimum(u32),
    /// Nothing to look at.
    #[error(
        "`verifiers` is empty, so nothing could show that a key is accepted: name at least one, for example `verifiers = [{{ ring = \"/etc/api/keys\" }}]`"
    )]
    NoVerifiers,
    /// A list of key files without a file.
    #[error("`public_keys` of a verifier is empty: name the files that it reads")]
    NoPublicKeys,
    /// No time at all.
    #[error("`used_within` is not a positive length of time: write for example \"60s\"")]
    UsedWithin,
}

impl Default for KeyRingConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Rs256,
            bits: DEFAULT_RSA_BITS,
            minimum_bits: DEFAULT_RSA_BITS,
            verifiers: Vec::new(),
            reports: Vec::new(),
            used_within: SignedDuration::from_mins(1),
        }
    }
}

impl KeyRingConfig {
    /// Refuses what could only fail later.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.algorithm.is_rsa() && ![2048, 3072, 4096, 8192].contains(&self.bits) {
            return Err(ConfigError::Bits(self.bits));
        }
        if self.minimum_bits < FLOOR_RSA_BITS {
            return Err(ConfigError::Minimum(self.minimum_bits));
        }
        if self.algorithm.is_rsa() && self.bits < self.minimum_bits {
            let (bits, minimum) = (self.bits, self.minimum_bits);
            return Err(ConfigError::BelowMinimum { bits, minimum });
        }
        if self.verifiers.is_empty() {
            return Err(ConfigError::NoVerifiers);
        }
        if self
            .verifiers
            .iter()
            .any(|verifier| *verifier == VerifierConfig::PublicKeys(Vec::new()))
        {
            return Err(ConfigError::NoPublicKeys);
        }
        if !self.used_within.is_positive() {
            return Err(ConfigError::UsedWithin);
        }
        Ok(())
    }
}

/// The verifier's name in evidence and findings.
impl fmt::Display for VerifierConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(folder) => write!(f, "ring {}", folder.display()),
            Self::Jwks(file) => write!(f, "key set {}", file.display()),
            Self::PublicKeys(files) => {
                let files = files.iter().map(|file| file.display().to_string());
                write!(f, "public keys {}", files.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut KeyRingConfig)) -> Result<(), ConfigError> {
        let verifiers = vec![VerifierConfig::Ring("/etc/api/keys".into())];
        let mut config = KeyRingConfig {
            verifiers,
            ..KeyRingConfig::default()
        };
        change(&mut config);
        config.check()
    }

    #[test]
    fn the_defaults_need_only_a_verifier() {
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(KeyRingConfig::default().check(), Err(ConfigError::NoVerifiers));
    }

    #[test]
    fn sizes_are_refused_before_a_key_is_made() {
        assert_eq!(with(|config| config.bits = 4095), Err(ConfigError::Bits(4095)));
        assert_eq!(
            with(|config| config.minimum_bits = 1024),
            Err(ConfigError::Minimum(1024))
        );
        let below = ConfigError::BelowMinimum {
            bits: 2048,
            minimum: 4096,
        };
        assert_eq!(with(|config| config.bits = 2048), Err(below));
        let curve = |config: &mut KeyRingConfig| (config.algorithm, config.bits) = (Algorithm::EdDsa, 0);
        assert_eq!(with(curve), Ok(()));
    }

    #[test]
    fn a_configuration_reads_as_the_readme_shows_it() {
        let json = serde_json::json!({
            "algorithm": "PS256",
            "verifiers": [{ "ring": "/a" }, { "public_keys": ["/b.pem"] }, { "jwks": "/c.json" }],
            "reports": ["/run/api"],
            "used_within": "90s",
        });
        let config: KeyRingConfig = serde_json::from_value(json).unwrap();
        assert_eq!((config.algorithm, config.bits), (Algorithm::Ps256, 4096));
        assert_eq!(config.used_within, SignedDuration::from_secs(90));
        let names: Vec<_> = config.verifiers.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["ring /a", "public keys /b.pem", "key set /c.json"]);
        assert!(serde_json::from_value::<KeyRingConfig>(serde_json::json!({ "verifier": [] })).is_err());
    }
}
