//! One generation of a credential's material.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::VersionNumber;

/// What is public about a version: a key id, a role's name, an algorithm. Never secret; journaled and shown.
pub type Attributes = BTreeMap<String, String>;

/// Where a version stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    /// Made, and not yet what consumers present.
    Pending,
    /// What consumers present.
    Current,
    /// What consumers presented before; still retained.
    Previous,
    /// Destroyed at its issuer.
    Retired,
    /// Undone before it was ever completed.
    Abandoned,
}

/// A version as the inventory knows it. Its material is sealed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub number: VersionNumber,
    /// Where it stands.
    pub status: VersionStatus,
    /// Set once it is known or feared to be in wrong hands.
    pub compromised: bool,
    /// What is public about it.
    pub attributes: Attributes,
    /// When it was made or adopted.
    pub created_at: Timestamp,
    /// When every consumer had moved to it.
    pub current_at: Option<Timestamp>,
    /// When it was retired or abandoned.
    pub ended_at: Option<Timestamp>,
}

impl Version {
    /// A version that was just made and that nobody presents.
    pub fn pending(number: VersionNumber, attributes: Attributes, at: Timestamp) -> Self {
        Self {
            number,
            status: VersionStatus::Pending,
            compromised: false,
            attributes,
            created_at: at,
            current_at: None,
            ended_at: None,
        }
    }
}
