use std::error::Error as _;
use std::path::PathBuf;

use thiserror::Error;

use crate::jwk::{JwkError, Kid};
use crate::key::KeyError;

/// Why a ring is not loaded. The path is always named; the bytes of a key never are.
#[derive(Debug, Error)]
pub enum RingError {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file larger than any key or manifest.
    #[error("{} is larger than {limit} bytes, which no key file is", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// The manifest is not JSON of the expected form.
    #[error("{} is not a key ring manifest; let Keywheel deliver it again", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The manifest contradicts itself.
    #[error("{} cannot be used: {fault}; let Keywheel deliver it again", path.display())]
    Contradiction {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A key file is not a usable key.
    #[error("cannot use the key in {}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A key set document is not usable.
    #[error("cannot use the key set in {}", path.display())]
    Jwks {
        /// Which.
        path: PathBuf,
        /// Why.
        source: JwkError,
    },
    /// A file holds another key than the manifest says: it belongs to another set.
    #[error("{} holds the key {actual}, but the manifest says {expected}: the files are of different deliveries", path.display())]
    OtherKey {
        /// Which.
        path: PathBuf,
        /// What the manifest says.
        expected: Kid,
        /// What the file holds.
        actual: Kid,
    },
    /// The folder has come to hold another credential.
    #[error("the folder now holds `{found}` instead of `{loaded}`: restart the application if that is meant")]
    OtherCredential {
        /// What is loaded.
        loaded: String,
        /// What was found.
        found: String,
    },
    /// The set changed each time that it was read.
    #[error("{} changed each of the {attempts} times that it was read; see who writes to it all the time", path.display())]
    Unsettled {
        /// The folder.
        path: PathBuf,
        /// How often it was read.
        attempts: u32,
    },
}

impl RingError {
    /// The error with its causes in one line, for logs and reports.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
