//! Driving a rotation: claiming it, appending to it, giving it up.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{DriverId, FencingToken, RotationId, Sequence};
use keywheel_domain::ports::{Append, ErrorKind, JournalError, Lease, PortError};
use keywheel_domain::stored_time::{nanos, time};
use keywheel_domain::{credential, rotation};
use sqlx::SqliteConnection;

use crate::error::{Failure, invalid};
use crate::writer::Change;

/// When a lease that begins now ends.
pub(super) fn until(now: Timestamp, ttl: SignedDuration) -> Timestamp {
    now.saturating_add(ttl).unwrap_or(Timestamp::MAX)
}

pub(super) struct Claim {
    rotation: RotationId,
    driver: DriverId,
    now: Timestamp,
    until: Timestamp,
}

impl Claim {
    pub(super) fn new(rotation: &RotationId, driver: &DriverId, now: Timestamp, ttl: SignedDuration) -> Self {
        Self {
            rotation: rotation.clone(),
            driver: driver.clone(),
            now,
            until: until(now, ttl),
        }
    }

    fn not_found(&self) -> JournalError {
        let message = format!("there is no rotation {}; see `keywheel history`", self.rotation);
        PortError::permanent(ErrorKind::NotFound, message).into()
    }
}

#[async_trait]
impl Change for Claim {
    type Answer = Lease;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Lease, Failure> {
        let query =
            sqlx::query_as("SELECT token, driver, until FROM rotations WHERE id = ?1").bind(self.rotation.as_str());
        let found: Option<(i64, Option<String>, Option<i64>)> = query.fetch_optional(&mut *connection).await?;
        let (token, driver, until) = found.ok_or_else(|| self.not_found())?;
        if let (Some(holder), Some(until)) = (driver, until.map(time))
            && holder != self.driver.as_str()
            && self.now < until
        {
            let holder = DriverId::try_from(holder).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            return Err(JournalError::Held { holder, until }.into());
        }
        let token = FencingToken(token.cast_unsigned()).next();
        sqlx::query("UPDATE rotations SET token = ?2, driver = ?3, until = ?4 WHERE id = ?1")
            .bind(self.rotation.as_str())
            .bind(token.0.cast_signed())
            .bind(self.driver.as_str())
            .bind(nanos(self.until))
            .execute(connection)
            .await?;
        Ok(Lease {
            rotation: self.rotation.clone(),
            token,
            until: self.until,
        })
    }
}

pub(super) struct Release {
    rotation: RotationId,
    token: FencingToken,
    wake: Option<Timestamp>,
}

impl Release {
    pub(super) fn new(lease: &Lease, wake: Option<Timestamp>) -> Self {
        Self {
            rotation: lease.rotation.clone(),
            token: lease.token,
            wake,
        }
    }
}

#[async_trait]
impl Change for Release {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let release = "UPDATE rotations SET driver = NULL, until = NULL, wake = ?3 WHERE id = ?1 AND token = ?2 AND driver IS NOT NULL";
        sqlx::query(release)
            .bind(self.rotation.as_str())
            .bind(self.token.0.cast_signed())
            .bind(self.wake.map(nanos))
            .execute(connection)
            .await?;
        Ok(())
    }
}

pub(super) struct AppendEntries {
    lease: Lease,
    after: Sequence,
    last: Sequence,
    /// The entries' records as a JSON array, which one statement takes apart whatever their number.
    records: String,
    credential: Option<CredentialAfter>,
    wake: Option<Timestamp>,
}

struct CredentialAfter {
    name: String,
    record: String,
    next_due: Option<i64>,
    active: Option<RotationId>,
}

impl AppendEntries {
    pub(super) fn new(append: &Append) -> Result<Self, JournalError> {
        append.check()?;
        let records: Vec<String> = append.entries.iter().map(rotation::encode).collect();
        let credential = append.credential.as_ref().map(|credential| CredentialAfter {
            name: credential.name.as_str().to_owned(),
            record: credential::encode(credential),
            next_due: credential.next_due.map(nanos),
            active: credential.active.clone(),
        });
        Ok(Self {
            lease: append.lease.clone(),
            after: append.after,
            last: append.last(),
            records: serde_json::to_string(&records).expect("strings are JSON"),
            credential,
            wake: append.wake,
        })
    }

    /// Why nothing was appended.
    async fn refusal(&self, connection: &mut SqliteConnection) -> Result<JournalError, sqlx::Error> {
        let query = "SELECT last_sequence, running FROM rotations WHERE id = ?1 AND token = ?2 AND driver IS NOT NULL";
        let found: Option<(i64, bool)> = sqlx::query_as(query)
            .bind(self.lease.rotation.as_str())
            .bind(self.lease.token.0.cast_signed())
            .fetch_optional(connection)
            .await?;
        Ok(match found {
            Some((last, false)) if last == self.after.0.cast_signed() => invalid("the rotation is over"),
            Some((last, true)) if last == self.after.0.cast_signed() => {
                invalid("the credential is not that of the rotation")
            }
            _ => JournalError::Fenced,
        })
    }
}

/// The comparison and the writes in one trip to the connection's thread. The entries follow only where the comparison held.
const APPEND: &str = "
    UPDATE rotations SET last_sequence = ?4, until = max(until, ?5), wake = ?6
    WHERE id = ?1 AND token = ?2 AND driver IS NOT NULL AND last_sequence = ?3 AND running = 1
        AND credential = coalesce(?7, credential);
    INSERT INTO entries (rotation, sequence, record)
    SELECT ?1, ?3 + 1 + key, value FROM json_each(?8) WHERE changes() = 1";

/// A rotation ends with a credential that names none.
const MOVE_CREDENTIAL: &str = "
    UPDATE credentials SET record = ?3, active = ?4, next_due = ?5 WHERE name = ?2;
    UPDATE rotations SET running = ?4 IS NOT NULL WHERE id = ?1";

#[async_trait]
impl Change for AppendEntries {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let id = self.lease.rotation.as_str();
        let appended = sqlx::query(APPEND)
            .bind(id)
            .bind(self.lease.token.0.cast_signed())
            .bind(self.after.0.cast_signed())
            .bind(self.last.0.cast_signed())
            .bind(nanos(self.lease.until))
            .bind(self.wake.map(nanos))
            .bind(self.credential.as_ref().map(|credential| &credential.name))
            .bind(&self.records)
            .execute(&mut *connection)
            .await?;
        if appended.rows_affected() == 0 {
            return Err(self.refusal(connection).await?.into());
        }
        if let Some(credential) = &self.credential {
            sqlx::query(MOVE_CREDENTIAL)
                .bind(id)
                .bind(&credential.name)
                .bind(&credential.record)
                .bind(credential.active.as_ref().map(RotationId::as_str))
                .bind(credential.next_due)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}
