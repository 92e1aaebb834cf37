//! Adopting and updating credentials. Both are rare, and so share commits with nobody.

use keywheel_domain::credential::{self, Credential};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{ErrorKind, JournalError, PortError};
use keywheel_domain::stored_time::nanos;

use super::{invalid, read_credential};
use crate::database::Readers;

/// How often an update is tried that finds its credential changed between its two statements. Whoever changed it came through.
const TRIES: u32 = 16;

pub(super) async fn adopt(database: &Readers, credential: &Credential) -> Result<(), JournalError> {
    if credential.active.is_some() {
        return Err(invalid("an adopted credential has no rotation yet"));
    }
    let insert = "
        INSERT INTO credentials (name, record, next_due) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING name";
    let query = sqlx::query_as(insert)
        .bind(credential.name.as_str())
        .bind(credential::encode(credential))
        .bind(credential.next_due.map(nanos));
    let inserted: Vec<(String,)> = database.write("adopt a credential", query).await?;
    match inserted.is_empty() {
        true => Err(JournalError::Changed),
        false => Ok(()),
    }
}

pub(super) async fn update(
    database: &Readers,
    expected: &Credential,
    credential: &Credential,
) -> Result<(), JournalError> {
    let record = credential::encode(credential);
    for _ in 0..TRIES {
        let (text, stored) = stored(database, &expected.name).await?;
        if let Some(active) = stored.active {
            return Err(JournalError::Active(active));
        }
        if stored != *expected {
            return Err(JournalError::Changed);
        }
        if credential.name != expected.name || credential.active.is_some() {
            return Err(invalid("an update keeps the name, and begins no rotation"));
        }
        let update = "
            UPDATE credentials SET record = $3, next_due = $4
            WHERE name = $1 AND record = $2 AND active IS NULL RETURNING name";
        let query = sqlx::query_as(update)
            .bind(expected.name.as_str())
            .bind(text)
            .bind(&record)
            .bind(credential.next_due.map(nanos));
        let updated: Vec<(String,)> = database.write("update a credential", query).await?;
        if !updated.is_empty() {
            return Ok(());
        }
    }
    let message = format!("{} is changed by others all the time; try again", expected.name);
    Err(PortError::transient(ErrorKind::Conflict, message).into())
}

async fn stored(database: &Readers, name: &CredentialName) -> Result<(String, Credential), JournalError> {
    let query = sqlx::query_as("SELECT record FROM credentials WHERE name = $1").bind(name.as_str());
    let found: Vec<(String,)> = database.read("read a credential", query).await?;
    let (text,) = found.into_iter().next().ok_or(JournalError::Changed)?;
    let stored = read_credential(&text)?;
    Ok((text, stored))
}
