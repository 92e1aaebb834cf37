//! The folder of one killed rotation.

use std::path::{Path, PathBuf};

use keywheel_local::OsEntropy;

/// A configuration whose waits are fractions of a second, with its key file. Gone when it is dropped.
pub(super) struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    pub(super) fn make() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let root = tempfile::Builder::new().prefix("keywheel-kills-").tempdir()?;
        for name in ["keys", "reports", "archive"] {
            std::fs::create_dir(root.path().join(name))?;
        }
        std::fs::write(root.path().join("keywheel.toml"), CONFIG)?;
        keywheel_local::create_key_file(&root.path().join("keywheel.key"), &OsEntropy)?;
        Ok(Self { root })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.path().join("keywheel.toml")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.root.path().join("keys")
    }

    pub(super) fn report(&self, instance: &str) -> PathBuf {
        Path::new(self.root.path())
            .join("reports")
            .join(format!("{instance}.json"))
    }
}

const CONFIG: &str = r#"
[keywheel]
state = "keywheel.db"
lease = "1 s"

[key]
file = "keywheel.key"

[[credential]]
name = "kills/jwt"
kind = "jwt_signing_key"

[credential.issuer]
algorithm = "ES256"
verifiers = [{ ring = "keys" }]
reports = ["reports"]
used_within = "200 ms"

[credential.policy]
period = "6 months"
tokens = [{ name = "access", lifetime = "1 s" }]
clock_skew = "500 ms"
grace = "1500 ms"
soak = "200 ms"
observe = "300 ms"
retention = "0 s"
poll = "50 ms"
drain = { quiet = "200 ms" }

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"

[[credential.workload]]
kind = "none"
name = "service"
report = { files = ["reports/*.json"] }

[credential.archive]
folder = "archive"
"#;
