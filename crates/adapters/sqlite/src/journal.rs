//! The journal and the inventory.

mod change;
mod drive;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::{self, Credential};
use keywheel_domain::id::{CredentialName, DriverId, RotationId};
use keywheel_domain::ports::{Append, Due, Journal, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation::{self, Entry};
use keywheel_domain::stored_time::nanos;

use crate::{Sqlite, error};

#[async_trait]
impl Journal for Sqlite {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        self.writer.make(change::Adopt::new(credential)?).await
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        let query = sqlx::query_scalar("SELECT record FROM credentials WHERE name = ?1").bind(name.as_str());
        let found: Option<String> = query
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(found.map(|text| self.read_credential(&text)).transpose()?)
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        let query = sqlx::query_scalar("SELECT record FROM credentials ORDER BY name");
        let found: Vec<String> = query
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        let read = found.iter().map(|text| self.read_credential(text));
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        self.writer.make(change::Update::new(expected, credential)).await
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.writer.make(change::Open::new(new, driver, now, ttl)?).await
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.writer.make(drive::Claim::new(rotation, driver, now, ttl)).await
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        self.writer.make(drive::Release::new(lease, wake)).await
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.writer.make(drive::AppendEntries::new(append)?).await
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        let query = sqlx::query_scalar("SELECT record FROM entries WHERE rotation = ?1 ORDER BY sequence");
        let found: Vec<String> = query
            .bind(rotation.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        let read = found.iter().zip(1..).map(|(text, number)| {
            let what = format!("entry {number} of rotation {rotation}");
            rotation::decode(text).map_err(|error| error::unreadable(&self.path, &what, error))
        });
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        let query = sqlx::query_scalar("SELECT id FROM rotations WHERE credential = ?1 ORDER BY number DESC");
        let found: Vec<String> = query
            .bind(credential.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        let read = found.into_iter().map(|id| self.read_name(id));
        Ok(read.collect::<Result<_, _>>()?)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        let found: Vec<(bool, String)> = sqlx::query_as(DUE)
            .bind(nanos(now))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        let read = found.into_iter().map(|(is_credential, name)| {
            Ok(match is_credential {
                true => Due::Credential(self.read_name(name)?),
                false => Due::Rotation(self.read_name(name)?),
            })
        });
        Ok(read.collect::<Result<_, PortError>>()?)
    }
}

/// Each half reads no more of its index than the limit, so that a million waiting credentials cost nothing.
const DUE: &str = "
    SELECT is_credential, name FROM (
        SELECT * FROM (
            SELECT FALSE AS is_credential, id AS name, due AS moment FROM rotations
            WHERE due <= ?1 ORDER BY due, id LIMIT ?2)
        UNION ALL
        SELECT * FROM (
            SELECT TRUE, name, next_due FROM credentials
            WHERE active IS NULL AND next_due <= ?1 ORDER BY next_due, name LIMIT ?2))
    ORDER BY moment, is_credential, name LIMIT ?2";

impl Sqlite {
    fn failed(&self, error: sqlx::Error) -> PortError {
        error::storage(&self.path, error)
    }

    fn read_credential(&self, text: &str) -> Result<Credential, PortError> {
        credential::decode(text).map_err(|error| error::unreadable(&self.path, "a credential", error))
    }

    fn read_name<T: TryFrom<String, Error: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: String,
    ) -> Result<T, PortError> {
        T::try_from(name).map_err(|error| error::unreadable(&self.path, "a name", error))
    }
}
