//! A folder with a configuration.

use std::path::{Path, PathBuf};

use keywheel_local::OsEntropy;

use crate::kills::Attempt;

/// A configuration with its key file. Gone when it is dropped.
#[derive(Debug)]
pub struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    /// A folder with that configuration and those folders in it.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn make(config: &str, folders: &[&str]) -> Attempt<Self> {
        let root = tempfile::Builder::new().prefix("keywheel-tests-").tempdir()?;
        for name in folders {
            std::fs::create_dir(root.path().join(name))?;
        }
        let folder = Self { root };
        folder.write("keywheel.toml", config)?;
        keywheel_local::create_key_file(&folder.path("keywheel.key"), &OsEntropy)?;
        Ok(folder)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("keywheel.toml")
    }

    /// Where something in it is.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file that nobody else can read.
    ///
    /// # Errors
    /// Where it is there already, or there is no room for it.
    pub fn write(&self, name: &str, text: &str) -> Attempt<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(self.path(name))?;
        Ok(file.write_all(text.as_bytes())?)
    }
}
