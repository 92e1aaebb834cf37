//! The demonstration's folder: an application's existing keys, and the configuration that rotates them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use keywheel_jwt::{Algorithm, PrivateKey};

/// The credential of the demonstration.
pub(super) const CREDENTIAL: &str = "demo/jwt";

/// The folders and files of one demonstration. They are gone when it is dropped.
pub(super) struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    /// Makes the folder with an application's RSA-4096 key pair in it, and a configuration whose waits are seconds.
    pub(super) fn make() -> anyhow::Result<Self> {
        let root = tempfile::Builder::new().prefix("keywheel-demo-").tempdir()?;
        let folder = Self { root };
        for path in [folder.keys(), folder.reports(), folder.archive()] {
            std::fs::create_dir(&path).with_context(|| format!("the folder {} could not be made", path.display()))?;
        }
        let key = PrivateKey::generate(Algorithm::Rs256, 4096)?;
        std::fs::write(folder.keys().join("jwt_private.pem"), key.to_pkcs8_pem()?.as_bytes())?;
        std::fs::write(folder.keys().join("jwt_public.pem"), key.public().to_spki_pem())?;
        std::fs::write(folder.config(), CONFIG)?;
        Ok(folder)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.path().join("keywheel.toml")
    }

    /// What the service reads.
    pub(super) fn keys(&self) -> PathBuf {
        self.root.path().join("keys")
    }

    /// Where the service's instances say what they run.
    pub(super) fn reports(&self) -> PathBuf {
        self.root.path().join("reports")
    }

    fn archive(&self) -> PathBuf {
        self.root.path().join("archive")
    }

    /// What a thief copies before the rotation.
    pub(super) fn stolen(&self) -> PathBuf {
        self.root.path().join("stolen")
    }

    /// Copies the keys as a thief would.
    pub(super) fn steal(&self) -> anyhow::Result<()> {
        std::fs::create_dir(self.stolen())?;
        for entry in std::fs::read_dir(self.keys())? {
            let entry = entry?;
            let visible = !entry.file_name().to_string_lossy().starts_with('.');
            if visible && std::fs::metadata(entry.path())?.is_file() {
                std::fs::copy(entry.path(), self.stolen().join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }
}

/// The usual configuration of a signing key, with seconds in the place of days.
const CONFIG: &str = include_str!("keywheel.toml");
