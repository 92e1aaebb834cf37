//! `keywheel.toml`: what is rotated, by which rules, through which backends. Secrets stand in it by reference only.

mod credential;
mod document;
mod error;
mod issuer;
mod nearest;
mod policy;
mod probe;
mod secrets;
mod state;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use keywheel_domain::id::CredentialName;
use keywheel_local::config::KeyConfig;

pub(crate) use credential::{ConsumerConfig, CredentialConfig, StoreConfig};
pub(crate) use error::ConfigError;
pub(crate) use issuer::IssuerConfig;
#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
pub(crate) use issuer::{Guarded, SecretPlace};
pub(crate) use probe::ProbeConfig;
pub(crate) use state::StateConfig;

use document::{Document, Section};

/// Where the configuration is looked for where nobody names one, in this order.
pub(crate) const PLACES: [&str; 2] = ["keywheel.toml", "/etc/keywheel/keywheel.toml"];
const KEYLESS: &str = "nothing says which key seals material; add `[key]` with `file = \"keywheel.key\"`";

/// The whole configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file that it was read from.
    pub(crate) path: PathBuf,
    /// Its folder, from which relative paths count.
    pub(crate) base: PathBuf,
    /// The database.
    pub(crate) state: StateConfig,
    /// How long a driver that died keeps others from its rotation.
    pub(crate) lease: SignedDuration,
    /// The key that seals everything.
    pub(crate) key: KeyConfig,
    /// What is rotated, in the order of the names.
    pub(crate) credentials: Vec<CredentialConfig>,
}

impl Config {
    /// Reads the file that was named, or else the first one of [`PLACES`].
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = named.map_or_else(first_place, |path| Ok(path.to_owned()))?;
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        Self::parse(&path, &text)
    }

    /// Reads the text of a configuration.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let whole = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
        let base = whole.parent().unwrap_or(&whole).to_owned();
        let mut root = Document { path, text }.root()?;
        let (general, key) = (root.section("keywheel")?, root.section("key")?);
        let credentials = root.sections("credential")?;
        let place = root.place();
        // What is misspelled is said before what is missing because of that.
        root.finish(&["keywheel", "key", "credential"])?;
        let (state, lease) = state::read(general, &base)?;
        let key = read_key(key.ok_or_else(|| place.error(KEYLESS))?)?;
        let credentials = read_credentials(credentials, &base)?;
        Ok(Self {
            path: path.to_owned(),
            state,
            base,
            lease,
            key,
            credentials,
        })
    }

    /// The credential of that name.
    pub(crate) fn credential(&self, name: &CredentialName) -> Option<&CredentialConfig> {
        self.credentials.iter().find(|credential| credential.name == *name)
    }
}

fn first_place() -> Result<PathBuf, ConfigError> {
    let found = PLACES.into_iter().map(PathBuf::from).find(|path| path.exists());
    found.ok_or_else(|| {
        let problem = format!(
            "there is no such file here, and no {}; write one with `keywheel init`, or name one with --config",
            PLACES[1]
        );
        ConfigError::of_file(Path::new(PLACES[0]), problem)
    })
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let problem = match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; write one with `keywheel init`, or correct --config".to_owned()
        }
        io::ErrorKind::IsADirectory => "this is a folder; name the file in it".to_owned(),
        io::ErrorKind::InvalidData => "this is no text; name a file that `keywheel init` wrote".to_owned(),
        _ => format!("it cannot be read ({error}); give the user that Keywheel runs as the right to"),
    };
    ConfigError::of_file(path, problem)
}

fn read_key(section: Section<'_>) -> Result<KeyConfig, ConfigError> {
    let place = section.place();
    let key: KeyConfig = section.read()?;
    if key.file.is_some() == key.env.is_some() {
        return Err(place.error("a key needs either `file` or `env`, and not both"));
    }
    Ok(key)
}

fn read_credentials(sections: Vec<Section<'_>>, base: &Path) -> Result<Vec<CredentialConfig>, ConfigError> {
    let mut credentials = BTreeMap::new();
    for section in sections {
        let name = section.place_of("name");
        let credential = credential::read(section, base)?;
        match credentials.entry(credential.name.clone()) {
            Entry::Occupied(_) => return Err(name.error("another credential has this name; give each its own")),
            Entry::Vacant(free) => drop(free.insert(credential)),
        }
    }
    Ok(credentials.into_values().collect())
}
