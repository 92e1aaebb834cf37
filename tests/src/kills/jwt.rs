//! A signing key, two instances of a service that verify with its ring, and a client.

mod company;

use std::path::PathBuf;

use super::{Attempt, Play, Seen};
use crate::folder::Folder;
use company::Company;

/// One signing key in a folder of its own.
#[derive(Debug)]
pub struct Jwt {
    folder: Folder,
    company: Option<Company>,
}

impl Jwt {
    /// A folder with a configuration, and no key yet.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn make() -> Attempt<Self> {
        let folder = Folder::make(CONFIG, &["keys", "reports", "archive"])?;
        Ok(Self { folder, company: None })
    }
}

impl Play for Jwt {
    fn credential(&self) -> &'static str {
        "kills/jwt"
    }

    fn config(&self) -> PathBuf {
        self.folder.config()
    }

    fn adoption(&self) -> Vec<String> {
        vec!["--create".to_owned()]
    }

    fn begin(&mut self) -> Attempt<()> {
        self.company = Some(Company::start(&Files(&self.folder))?);
        Ok(())
    }

    fn end(&mut self) -> Seen {
        let (verified, refused) = self.company.take().map_or((0, 0), Company::stop);
        Seen {
            verified,
            refused,
            why: None,
        }
    }

    /// That the old key is refused is what `keywheel verify` looks at.
    fn inspect(&mut self) -> Attempt<Option<String>> {
        Ok(None)
    }
}

/// What is where in the folder.
struct Files<'a>(&'a Folder);

impl Files<'_> {
    fn keys(&self) -> PathBuf {
        self.0.path("keys")
    }

    fn report(&self, instance: &str) -> PathBuf {
        self.0.path("reports").join(format!("{instance}.json"))
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
