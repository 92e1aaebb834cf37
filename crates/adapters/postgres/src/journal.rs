//! The journal and the inventory.

mod append;
mod claim;
mod inventory;
mod open;
mod release;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::{self, Credential};
use keywheel_domain::id::{CredentialName, DriverId, RotationId};
use keywheel_domain::ports::{Append, Due, ErrorKind, Journal, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation::{self, Entry};
use keywheel_domain::stored_time::nanos;

use crate::database::Database;

pub(crate) use append::AppendEntries;
pub(crate) use claim::Claim;
pub(crate) use open::Open;
pub(crate) use release::Release;

#[async_trait]
impl Journal for Database {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        inventory::adopt(&self.readers, credential).await
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        let query = sqlx::query_as("SELECT record FROM credentials WHERE name = $1").bind(name.as_str());
        let found: Vec<(String,)> = self.readers.read("read a credential", query).await?;
        let found = found.first().map(|(text,)| read_credential(text));
        Ok(found.transpose()?)
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        let query = sqlx::query_as("SELECT record FROM credentials ORDER BY name");
        let found: Vec<(String,)> = self.readers.read("read the credentials", query).await?;
        let read = found.iter().map(|(text,)| read_credential(text));
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        inventory::update(&self.readers, expected, credential).await
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.openings.make(Open::new(new, driver, now, ttl)?).await
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.claims.make(Claim::new(rotation, driver, now, ttl)).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.releases.make(Release::new(lease, wake)).await
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.appends.make(AppendEntries::new(append)?).await
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        let query = sqlx::query_as("SELECT record FROM entries WHERE rotation = $1 ORDER BY sequence");
        let query = query.bind(rotation.as_str());
        let found: Vec<(String,)> = self.readers.read("read a rotation", query).await?;
        let read = found.iter().zip(1..).map(|((text,), number)| {
            let what = format!("entry {number} of rotation {rotation}");
            rotation::decode(text).map_err(|error| unreadable(&what, error))
        });
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        let query = sqlx::query_as("SELECT id FROM rotations WHERE credential = $1 ORDER BY number DESC");
        let query = query.bind(credential.as_str());
        let found: Vec<(String,)> = self.readers.read("read the rotations", query).await?;
        let read = found.into_iter().map(|(id,)| read_name(id));
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        let query = sqlx::query_as(DUE)
            .bind(nanos(now))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let found: Vec<(bool, String)> = self.readers.read("read what is due", query).await?;
        let read = found.into_iter().map(|(is_credential, name)| {
            Ok(match is_credential {
                true => Due::Credential(read_name(name)?),
                false => Due::Rotation(read_name(name)?),
            })
        });
        Ok(read.collect::<Result<_, PortError>>()?)
    }
}

/// Each half reads no more of its index than the limit (and, of rotations, the rest of that minute), so that a million waiting
/// credentials cost nothing. What has no wake-up has no minute either.
const DUE: &str = "
    SELECT is_credential, name FROM (
        (SELECT FALSE AS is_credential, id AS name, greatest(wake, until) AS moment FROM rotations
            WHERE due_minute <= $1 / 60000000000 AND greatest(wake, until) <= $1
            ORDER BY due_minute, greatest(wake, until), id LIMIT $2)
        UNION ALL
        (SELECT TRUE, name, next_due FROM credentials
            WHERE active IS NULL AND next_due <= $1 ORDER BY next_due, name LIMIT $2)) AS both_kinds
    ORDER BY moment, is_credential, name LIMIT $2";

/// When a lease that begins now ends.
fn until(now: Timestamp, ttl: SignedDuration) -> Timestamp {
    now.saturating_add(ttl).unwrap_or(Timestamp::MAX)
}

fn read_credential(text: &str) -> Result<Credential, PortError> {
    credential::decode(text).map_err(|error| unreadable("a credential", error))
}

fn read_name<T: TryFrom<String, Error: std::error::Error + Send + Sync + 'static>>(
    name: String,
) -> Result<T, PortError> {
    T::try_from(name).map_err(|error| unreadable("a name", error))
}

/// A stored record that cannot be read: damaged, or written by a newer build.
fn unreadable(what: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PortError {
    let message = format!("{what} in the journal cannot be read; if it is damaged, restore the database's last backup");
    PortError::permanent(ErrorKind::Storage, message).caused_by(cause)
}

/// A request that contradicts itself: a defect of the caller.
fn invalid(message: &str) -> JournalError {
    PortError::permanent(ErrorKind::Invalid, message).into()
}
