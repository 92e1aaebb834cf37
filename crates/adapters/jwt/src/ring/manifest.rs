use std::collections::HashSet;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::jwk::Kid;
use crate::key::Algorithm;

/// The name of the manifest in a ring's folder.
pub const MANIFEST: &str = "keyring.json";

/// What a ring's folder holds: written by Keywheel, read by [`KeyRing`](super::KeyRing).
///
/// Members that this version does not know are passed over, so that an application need not be rebuilt before
/// Keywheel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The credential, for example `goimg/jwt`. A loaded ring never changes to another one.
    pub credential: String,
    /// The delivery: every change of the set has a number of its own.
    pub revision: u64,
    /// The key to sign with.
    pub primary: Kid,
    /// Every key to accept; the primary is one of them.
    pub keys: Vec<ManifestKey>,
}

/// One key of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestKey {
    /// The RFC 7638 thumbprint of the key; a file whose key has another one is refused.
    pub kid: Kid,
    /// The only algorithm that the key is accepted with.
    pub alg: Algorithm,
    /// Path of the public key (SPKI PEM), relative to the manifest.
    pub public: String,
    /// Path of the private key (PKCS#8 PEM), relative to the manifest. Signers alone have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<String>,
}

impl Manifest {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if !self.keys.iter().any(|key| key.kid == self.primary) {
            return Some(format!("its primary {} is not among its keys", self.primary));
        }
        let mut seen = HashSet::new();
        for key in &self.keys {
            if !seen.insert(&key.kid) {
                return Some(format!("the key {} is listed twice", key.kid));
            }
            let mut paths = std::iter::once(&key.public).chain(&key.private);
            if let Some(path) = paths.find(|path| !stays_inside(path)) {
                return Some(format!("the path `{path}` leads out of the folder"));
            }
        }
        None
    }
}

/// A set is read through one resolved folder; a path that leaves it could belong to another set.
fn stays_inside(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some() && components.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(kids: &[&str], path: &str) -> Manifest {
        let key = |kid: &&str| ManifestKey {
            kid: Kid::from(*kid),
            alg: Algorithm::Rs256,
            public: path.to_owned(),
            private: None,
        };
        let keys = kids.iter().map(key).collect();
        Manifest {
            credential: "goimg/jwt".to_owned(),
            revision: 7,
            primary: Kid::from("a"),
            keys,
        }
    }

    #[test]
    fn a_primary_that_is_not_listed_is_a_fault() {
        assert_eq!(manifest(&["a", "b"], "jwt_public.pem").fault(), None);
        assert!(
            manifest(&["b"], "jwt_public.pem")
                .fault()
                .unwrap()
                .contains("primary a")
        );
        assert!(manifest(&[], "jwt_public.pem").fault().is_some());
    }

    #[test]
    fn a_key_that_is_listed_twice_is_a_fault() {
        assert!(
            manifest(&["a", "a"], "jwt_public.pem")
                .fault()
                .unwrap()
                .contains("twice")
        );
    }

    #[test]
    fn paths_stay_inside_of_the_folder() {
        for path in ["../jwt_public.pem", "/etc/passwd", "keys/../../x", ""] {
            assert!(manifest(&["a"], path).fault().unwrap().contains("leads out"), "{path}");
        }
        assert_eq!(manifest(&["a"], "keys/jwt_public.pem").fault(), None);
    }

    #[test]
    fn unknown_members_are_passed_over_and_a_missing_private_key_means_a_verifier() {
        let text = r#"{"credential":"goimg/jwt","revision":7,"primary":"a","later":1,
                       "keys":[{"kid":"a","alg":"RS256","public":"jwt_public.pem"}]}"#;
        assert_eq!(
            serde_json::from_str::<Manifest>(text).unwrap(),
            manifest(&["a"], "jwt_public.pem")
        );
    }

    #[test]
    fn algorithms_that_share_a_secret_cannot_be_written_in_a_manifest() {
        for alg in ["HS256", "none"] {
            let text = format!(r#"{{"kid":"a","alg":"{alg}","public":"p"}}"#);
            assert!(serde_json::from_str::<ManifestKey>(&text).is_err());
        }
    }
}
