//! Who is told.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::PortError;
use crate::id::{CredentialName, RotationId};

/// What people are told. It never carries material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The rotation; one notice is opened for it, updated and closed.
    pub rotation: RotationId,
    /// The credential.
    pub credential: CredentialName,
    /// When it was decided.
    pub at: Timestamp,
    /// What happens, in one line.
    pub message: String,
    /// Whether somebody has to act.
    pub needs_action: bool,
}

/// Notices, pages, maintenance windows, silences.
#[async_trait]
pub trait Notifier: Send + Sync + Debug {
    /// The notifier's name for people.
    fn name(&self) -> &str;

    /// Opens the rotation's notice, or updates it where it is open already. Idempotent by rotation.
    async fn tell(&self, notice: &Notice) -> Result<(), PortError>;

    /// Closes the rotation's notice. Closing what is closed or was never open succeeds.
    async fn close(&self, notice: &Notice) -> Result<(), PortError>;
}
