use std::io;
use std::path::{Path, PathBuf};

use jsonwebtoken::Validation;
use keywheel_domain::ports::{Finding, PortError};
use serde_json::{Value, json};

use crate::config::VerifierConfig;
use crate::jwk::{JwkSet, Kid};
use crate::key::{Algorithm, PrivateKey, PublicKey};
use crate::ring::{Checks, KeyRing, KeySet, Refusal, RingError, read_file, sign_once};

/// How long a probe token would live, in seconds, if it ever left this process.
const PROBE_LIFETIME: i64 = 60;

/// What one verifier accepts at this moment, read from where it reads it.
pub(super) enum Verifier {
    Ring(KeyRing),
    Keys(Box<KeySet>),
}

/// A token that no application would mistake for a user's.
pub(super) fn probe(key: &PrivateKey, now: i64) -> Result<String, PortError> {
    let claims = json!({ "iss": "keywheel", "sub": "keywheel-probe", "iat": now, "exp": now + PROBE_LIFETIME });
    Ok(sign_once(key, &claims)?)
}

impl Verifier {
    pub(super) fn load(config: &VerifierConfig, algorithm: Algorithm) -> Result<Self, PortError> {
        Ok(match config {
            VerifierConfig::Ring(folder) => Self::Ring(KeyRing::open(folder)?),
            VerifierConfig::PublicKeys(files) => Self::keys(&public_keys(files, algorithm)?),
            VerifierConfig::Jwks(file) => Self::keys(&published_keys(file)?),
        })
    }

    fn keys(keys: &[(PublicKey, Algorithm)]) -> Self {
        Self::Keys(Box::new(KeySet::of_public_keys(keys)))
    }

    /// Whether it accepts the token's key. The claims are not what the question is about.
    pub(super) fn ask(&self, token: &str) -> Result<(), Refusal> {
        let mut demands = Validation::default();
        demands.required_spec_claims.clear();
        (demands.validate_exp, demands.validate_aud) = (false, false);
        let checks = Checks::from(demands);
        match self {
            Self::Ring(ring) => ring.verify::<Value>(token, &checks).map(drop),
            Self::Keys(set) => set.verify::<Value>(token, &checks).map(drop),
        }
    }

    pub(super) fn accepted(&self) -> Vec<Kid> {
        match self {
            Self::Ring(ring) => ring.report().accepted,
            Self::Keys(set) => set.accepted(),
        }
    }
}

/// What a preflight says about one verifier.
pub(super) fn look(config: &VerifierConfig, algorithm: Algorithm, current: Option<&Kid>) -> Vec<Finding> {
    let subject = config.to_string();
    let accepted = match (Verifier::load(config, algorithm), current) {
        (Ok(verifier), Some(_)) => verifier.accepted(),
        (Ok(verifier), None) => return before_adoption(&subject, &verifier.accepted()),
        // The first delivery may be what makes its folder.
        (Err(error), None) => {
            let fix = "go on if the first delivery makes it, or else correct the path in `verifiers`";
            return vec![Finding::warning(subject, error.chain(), fix)];
        }
        (Err(error), Some(_)) => {
            let fix = "correct the path in `verifiers`, give Keywheel the right to read it, or deliver the keys";
            return vec![Finding::failure(subject, &error, fix)];
        }
    };
    let strange = accepted.iter().filter(|kid| Some(*kid) != current);
    let mut findings: Vec<_> = strange
        .map(|kid| {
            let detail = format!("it accepts {kid}, which is not the current version");
            Finding::warning(&subject, detail, "find out who signs with it; remove it if nobody does")
        })
        .collect();
    if let Some(kid) = current {
        findings.push(if accepted.contains(kid) {
            Finding::fine(subject, format!("it accepts the current version ({kid})"))
        } else {
            let detail = format!("it does not accept the current version ({kid})");
            Finding::blocker(subject, detail, "deliver the current version to it before rotating")
        });
    }
    findings
}

/// While nothing is adopted no key is strange: one of them is what will be adopted.
fn before_adoption(subject: &str, accepted: &[Kid]) -> Vec<Finding> {
    let accepts = |kid: &Kid| Finding::fine(subject, format!("it accepts {kid}"));
    accepted.iter().map(accepts).collect()
}

/// Files that one verifier reads. They name no algorithm, so it is the configured one, or their kind's usual one.
fn public_keys(files: &[PathBuf], algorithm: Algorithm) -> Result<Vec<(PublicKey, Algorithm)>, RingError> {
    let mut keys = Vec::new();
    let mut missing = None;
    for path in files {
        let bytes = match read_file(path) {
            Ok(bytes) => bytes,
            Err(error @ RingError::Read { .. }) if is_missing(&error) => {
                missing = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let key = PublicKey::from_pem(&bytes).map_err(|source| RingError::Key {
            path: path.clone(),
            source,
        })?;
        let algorithm = if key.fits(algorithm).is_ok() {
            algorithm
        } else {
            key.family().usual_algorithm()
        };
        keys.push((key, algorithm));
    }
    match missing {
        // A verifier without a single key is one that we cannot see, and not one that refuses everybody.
        Some(error) if keys.is_empty() => Err(error),
        _ => Ok(keys),
    }
}

fn is_missing(error: &RingError) -> bool {
    matches!(error, RingError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

fn published_keys(file: &Path) -> Result<Vec<(PublicKey, Algorithm)>, RingError> {
    let path = || file.to_owned();
    let set = JwkSet::from_json(&read_file(file)?).map_err(|source| RingError::Jwks { path: path(), source })?;
    let keys = set.keys.iter().map(|jwk| jwk.public_key().map(|key| (key, jwk.alg)));
    keys.collect::<Result<_, _>>()
        .map_err(|source| RingError::Key { path: path(), source })
}
