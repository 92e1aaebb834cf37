//! Changes of the inventory: adopting, updating, and the beginning of a rotation.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::{self, Credential};
use keywheel_domain::id::{CredentialName, DriverId, FencingToken, RotationId};
use keywheel_domain::ports::{ErrorKind, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation;
use keywheel_domain::stored_time::nanos;
use sqlx::SqliteConnection;

use crate::error::{Failure, invalid};
use crate::writer::Change;

/// A credential as its row.
struct Row {
    name: CredentialName,
    record: String,
    active: Option<RotationId>,
    next_due: Option<i64>,
}

impl Row {
    fn of(credential: &Credential) -> Self {
        Self {
            name: credential.name.clone(),
            record: credential::encode(credential),
            active: credential.active.clone(),
            next_due: credential.next_due.map(nanos),
        }
    }
}

/// The credential that is stored; `Changed` where there is none, `Active` where a rotation of it is running.
async fn idle(connection: &mut SqliteConnection, name: &CredentialName) -> Result<Credential, Failure> {
    let query = sqlx::query_scalar("SELECT record FROM credentials WHERE name = ?1").bind(name.as_str());
    let found: Option<String> = query.fetch_optional(connection).await?;
    let found = found.ok_or(JournalError::Changed)?;
    let stored = credential::decode(&found).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    match stored.active {
        Some(active) => Err(JournalError::Active(active).into()),
        None => Ok(stored),
    }
}

pub(super) struct Adopt(Row);

impl Adopt {
    pub(super) fn new(credential: &Credential) -> Result<Self, JournalError> {
        match &credential.active {
            None => Ok(Self(Row::of(credential))),
            Some(_) => Err(invalid("an adopted credential has no rotation yet")),
        }
    }
}

#[async_trait]
impl Change for Adopt {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let insert = "INSERT INTO credentials (name, record, next_due) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let inserted = sqlx::query(insert)
            .bind(self.0.name.as_str())
            .bind(&self.0.record)
            .bind(self.0.next_due)
            .execute(connection)
            .await?;
        match inserted.rows_affected() {
            0 => Err(JournalError::Changed.into()),
            _ => Ok(()),
        }
    }
}

pub(super) struct Update {
    expected: Credential,
    row: Row,
}

impl Update {
    pub(super) fn new(expected: &Credential, credential: &Credential) -> Self {
        Self {
            expected: expected.clone(),
            row: Row::of(credential),
        }
    }
}

#[async_trait]
impl Change for Update {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        if idle(connection, &self.expected.name).await? != self.expected {
            return Err(JournalError::Changed.into());
        }
        if self.row.name != self.expected.name || self.row.active.is_some() {
            return Err(invalid("an update keeps the name, and begins no rotation").into());
        }
        sqlx::query("UPDATE credentials SET record = ?2, next_due = ?3 WHERE name = ?1")
            .bind(self.row.name.as_str())
            .bind(&self.row.record)
            .bind(self.row.next_due)
            .execute(connection)
            .await?;
        Ok(())
    }
}

pub(super) struct Open {
    new: NewRotation,
    row: Row,
    entry: String,
    driver: DriverId,
    now: Timestamp,
    lease: Lease,
}

impl Open {
    pub(super) fn new(
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Self, JournalError> {
        new.check()?;
        Ok(Self {
            new: new.clone(),
            row: Row::of(&new.credential),
            entry: rotation::encode(&new.opened),
            driver: driver.clone(),
            now,
            lease: Lease {
                rotation: new.rotation.clone(),
                token: FencingToken(1),
                until: super::drive::until(now, ttl),
            },
        })
    }
}

/// The wake-up is now: should the driver die at once, the rotation is due when its lease runs out.
const OPEN: &str = "
    INSERT INTO rotations (id, credential, running, last_sequence, token, driver, until, wake)
    VALUES (?1, ?2, 1, 1, 1, ?3, ?4, ?5);
    INSERT INTO entries (rotation, sequence, record) VALUES (?1, 1, ?6);
    UPDATE credentials SET record = ?7, active = ?1, next_due = ?8 WHERE name = ?2";

#[async_trait]
impl Change for Open {
    type Answer = Lease;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Lease, Failure> {
        let stored = idle(connection, &self.row.name).await?;
        let id = &self.lease.rotation;
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM rotations WHERE id = ?1)").bind(id.as_str());
        if there.fetch_one(&mut *connection).await? {
            let message = format!("rotation {id} was opened before");
            return Err(JournalError::from(PortError::permanent(ErrorKind::Conflict, message)).into());
        }
        if !self.new.follows(&stored) {
            return Err(JournalError::Changed.into());
        }
        sqlx::query(OPEN)
            .bind(id.as_str())
            .bind(self.row.name.as_str())
            .bind(self.driver.as_str())
            .bind(nanos(self.lease.until))
            .bind(nanos(self.now))
            .bind(&self.entry)
            .bind(&self.row.record)
            .bind(self.row.next_due)
            .execute(connection)
            .await?;
        Ok(self.lease.clone())
    }
}
