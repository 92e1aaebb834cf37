//! What the tests share: keys that are made once per run, and folders with rings.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, LineEnding};
use tempfile::TempDir;

use crate::jwk::Kid;
use crate::key::{Algorithm, PrivateKey};
use crate::ring::{MANIFEST, Manifest, ManifestKey};

/// A time that no test will live to see.
pub(crate) const FAR: u64 = 4_000_000_000;

/// An RSA key of the smallest size, because it is quick.
pub(crate) fn rsa_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(Algorithm::Rs256, 2048).unwrap())
}

/// Five keys of the quickest kind.
pub(crate) fn quick_keys() -> &'static [PrivateKey; 5] {
    static KEYS: OnceLock<[PrivateKey; 5]> = OnceLock::new();
    KEYS.get_or_init(|| [0; 5].map(|_| PrivateKey::generate(Algorithm::EdDsa, 0).unwrap()))
}

pub(crate) fn kid(key: &PrivateKey) -> Kid {
    key.public().kid().clone()
}

/// The key as `openssl genrsa -traditional` writes it.
pub(crate) fn pkcs1_pem(key: &PrivateKey) -> String {
    let parsed = rsa::RsaPrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
    parsed.to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
}

/// A folder in which sets are swapped by one symlink, as Kubernetes does it.
pub(crate) struct RingFolder(TempDir);

impl RingFolder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Delivers a set whose first key is the primary. Signers get its private key.
    pub(crate) fn deliver(&self, revision: u64, keys: &[&PrivateKey], signs: bool) -> PathBuf {
        let set = self.path().join(format!("..set-{revision}"));
        write_set(&set, revision, keys, signs);
        self.swap_to(&set);
        set
    }

    pub(crate) fn swap_to(&self, set: &Path) {
        let link = self.path().join("..data_tmp");
        let _ = fs::remove_file(&link);
        symlink(set.file_name().unwrap(), &link).unwrap();
        fs::rename(&link, self.path().join("..data")).unwrap();
    }
}

/// Writes a set into a plain folder.
pub(crate) fn write_set(folder: &Path, revision: u64, keys: &[&PrivateKey], signs: bool) {
    fs::create_dir_all(folder).unwrap();
    let mut entries = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        let public = format!("public-{place}.pem");
        fs::write(folder.join(&public), key.public().to_spki_pem()).unwrap();
        let private = (signs && place == 0).then(|| "jwt_private.pem".to_owned());
        if let Some(name) = &private {
            fs::write(folder.join(name), key.to_pkcs8_pem().unwrap()).unwrap();
        }
        entries.push(ManifestKey {
            kid: kid(key),
            alg: key.algorithm(),
            public,
            private,
        });
    }
    let manifest = Manifest {
        credential: "goimg/jwt".to_owned(),
        revision,
        primary: kid(keys[0]),
        keys: entries,
    };
    fs::write(folder.join(MANIFEST), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
}
