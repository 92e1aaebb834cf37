//! The append-only journal of every rotation, and the inventory that follows from it.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{ErrorKind, PortError};
use crate::credential::Credential;
use crate::id::{CredentialName, DriverId, FencingToken, RotationId, Sequence};
use crate::rotation::Entry;

/// The right to move one rotation, until it ends or somebody with a higher token takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The rotation.
    pub rotation: RotationId,
    /// The fencing token: every append names it.
    pub token: FencingToken,
    /// Until when nobody else may claim.
    pub until: Timestamp,
}

/// The beginning of a rotation.
#[derive(Debug, Clone)]
pub struct NewRotation {
    /// Its first entry, of sequence 1.
    pub opened: Entry,
    /// Its identity.
    pub rotation: RotationId,
    /// The credential after that entry. Its `active` names the rotation.
    pub credential: Credential,
}

/// Entries that go to the journal in one transaction.
#[derive(Debug, Clone)]
pub struct Append {
    /// The lease that is held.
    pub lease: Lease,
    /// The sequence of the last entry that the driver knows.
    pub after: Sequence,
    /// The entries, numbered on from there.
    pub entries: Vec<Entry>,
    /// The credential after those entries, where they change it.
    pub credential: Option<Credential>,
    /// When somebody has to look at the rotation again; `None` once it rests.
    pub wake: Option<Timestamp>,
}

impl NewRotation {
    /// Checks what shows without a look into the journal: it is entry 1, and the credential names the rotation.
    ///
    /// # Errors
    /// `Invalid` where it is no beginning.
    pub fn check(&self) -> Result<(), PortError> {
        if self.opened.sequence == Sequence(1) && self.credential.active.as_ref() == Some(&self.rotation) {
            return Ok(());
        }
        Err(invalid("a rotation begins with entry 1 and a credential that names it"))
    }

    /// Whether it was planned from that state of the credential. A due date may be set anew when a rotation begins; a version, a
    /// view or a mark may not get lost.
    pub fn follows(&self, stored: &Credential) -> bool {
        let opened = &self.credential;
        let stored = (&stored.versions, &stored.view, stored.rotated_at);
        stored == (&opened.versions, &opened.view, opened.rotated_at)
    }
}

impl Append {
    /// Checks what shows without a look into the journal: the entries are numbered on, and the credential names this rotation or
    /// none.
    ///
    /// # Errors
    /// `Invalid` where it contradicts itself.
    pub fn check(&self) -> Result<(), PortError> {
        let numbers = self.entries.iter().map(|entry| entry.sequence);
        if !numbers.eq((self.after.0 + 1..=self.last().0).map(Sequence)) {
            return Err(invalid("the entries are not numbered on"));
        }
        let active = self
            .credential
            .as_ref()
            .and_then(|credential| credential.active.as_ref());
        if active.is_some_and(|active| *active != self.lease.rotation) {
            return Err(invalid("the credential is not that of the rotation"));
        }
        Ok(())
    }

    /// The sequence of the last entry once it is appended.
    pub fn last(&self) -> Sequence {
        Sequence(self.after.0 + self.entries.len() as u64)
    }
}

fn invalid(message: &str) -> PortError {
    PortError::permanent(ErrorKind::Invalid, message)
}

/// Something that has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A rotation whose wake-up has come.
    Rotation(RotationId),
    /// A credential that is due and that no rotation is running for.
    Credential(CredentialName),
}

/// Why the journal said no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another driver holds the lease.
    #[error("{holder} drives this rotation until {until}; wait for it, or stop it and try again after that")]
    Held {
        /// Who holds it.
        holder: DriverId,
        /// Until when.
        until: Timestamp,
    },
    /// The lease was lost, or another driver appended meanwhile. Nothing was written.
    #[error("another driver has taken this rotation over; nothing was written")]
    Fenced,
    /// A rotation of the credential is running already.
    #[error(
        "rotation {0} of this credential is running already; see `keywheel status`, then `resume` or `rollback` it"
    )]
    Active(RotationId),
    /// The credential changed since it was loaded. Nothing was written.
    #[error("the credential was changed by somebody else meanwhile; try again")]
    Changed,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] PortError),
}

impl From<JournalError> for PortError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Storage(error) => error,
            JournalError::Held { .. } | JournalError::Fenced | JournalError::Active(_) | JournalError::Changed => {
                Self::permanent(ErrorKind::Conflict, error.to_string())
            }
        }
    }
}

/// The journal and the inventory. Everything that returned `Ok` is on disk.
#[async_trait]
pub trait Journal: Send + Sync + Debug {
    /// Writes a credential that is not known yet. `Changed` where it is.
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError>;

    /// The credential of that name; `None` where it was never adopted.
    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError>;

    /// Every credential, in the order of their names.
    async fn credentials(&self) -> Result<Vec<Credential>, JournalError>;

    /// Writes a credential over its last state: `expected` is compared. `Changed` where it is another one now, `Active` where a
    /// rotation of it is running.
    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError>;

    /// Begins a rotation: its first entry and the credential that names it, at once, and the lease to drive it.
    /// `Active` where the credential has a running rotation; `Changed` where the credential is not adopted.
    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError>;

    /// Takes the lease of a rotation that nobody holds at `now`, or that `driver` itself holds. The token grows with each
    /// claim. `Held` where somebody else does. Claiming a rotation that is not there is a `NotFound` of the storage.
    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError>;

    /// Gives the lease up early and sets the next wake-up. A lease that was lost already is no error, and changes nothing.
    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError>;

    /// Appends; all or nothing. `Fenced` where the token is not the latest or `after` is not the last entry. Renews the lease
    /// to at least `until` of the lease.
    async fn append(&self, append: &Append) -> Result<(), JournalError>;

    /// Every entry of the rotation, in order; empty where there is none.
    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError>;

    /// The rotations of a credential, newest first.
    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError>;

    /// What has to be looked at by `now`, earliest first, at most `limit`. Read from an index, never from memory.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError>;
}
