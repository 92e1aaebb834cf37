//! The beginning of a rotation.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{DriverId, FencingToken};
use keywheel_domain::ports::{ErrorKind, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::stored_time::nanos;
use keywheel_domain::{credential, rotation};
use sqlx::PgConnection;

use crate::database::Change;

/// How often an opening is tried whose credential was changed between its two statements. Whoever changed it came through.
const TRIES: u32 = 16;

pub(crate) struct Open {
    new: NewRotation,
    record: String,
    entry: String,
    driver: DriverId,
    now: i64,
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
            record: credential::encode(&new.credential),
            entry: rotation::encode(&new.opened),
            driver: driver.clone(),
            now: nanos(now),
            lease: Lease {
                rotation: new.rotation.clone(),
                token: FencingToken(1),
                until: super::until(now, ttl),
            },
            new: new.clone(),
        })
    }

    /// Whether it may begin from what is stored.
    fn check(&self, found: &Stored) -> Result<(), JournalError> {
        let record = found.record.as_ref().ok_or(JournalError::Changed)?;
        let stored = super::read_credential(record)?;
        if let Some(active) = stored.active {
            return Err(JournalError::Active(active));
        }
        if found.was_opened {
            let message = format!("rotation {} was opened before", self.new.rotation);
            return Err(PortError::permanent(ErrorKind::Conflict, message).into());
        }
        match self.new.follows(&stored) {
            true => Ok(()),
            false => Err(JournalError::Changed),
        }
    }
}

/// What there is before a rotation begins.
struct Stored {
    record: Option<String>,
    was_opened: bool,
}

const LOOK: &str = "
    SELECT a.number, c.record, EXISTS (SELECT 1 FROM rotations r WHERE r.id = a.rotation)
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (credential, rotation, number)
    LEFT JOIN credentials c ON c.name = a.credential";

/// All that begins, where the credential is still the one that was looked at. The wake-up is now: should the driver die at once,
/// the rotation is due when its lease runs out.
const OPEN: &str = "
    WITH opened AS (
        UPDATE credentials c SET record = a.record, active = a.rotation, next_due = a.next_due
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
                $8::bigint[], $9::bigint[]) WITH ORDINALITY
            AS a (credential, rotation, stored, record, next_due, entry, driver, until, wake, number)
        WHERE c.name = a.credential AND c.active IS NULL AND c.record = a.stored
        RETURNING a.*
    ), begun AS (
        INSERT INTO rotations (id, credential, running, last_sequence, token, driver, until, wake)
        SELECT rotation, credential, TRUE, 1, 1, driver, until, wake FROM opened
    ), written AS (
        INSERT INTO entries (rotation, sequence, record) SELECT rotation, 1, entry FROM opened
    )
    SELECT number FROM opened";

#[async_trait]
impl Change for Open {
    type Answer = Lease;

    const DOING: &'static str = "begin a rotation";

    fn key(&self) -> &str {
        self.new.credential.name.as_str()
    }

    async fn make(
        openings: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<Lease, JournalError>>, sqlx::Error> {
        let mut answers: Vec<Option<Result<Lease, JournalError>>> = openings.iter().map(|_| None).collect();
        for _ in 0..TRIES {
            let left: Vec<usize> = (0..openings.len()).filter(|index| answers[*index].is_none()).collect();
            if left.is_empty() {
                break;
            }
            let asked: Vec<&Self> = left.iter().map(|index| openings[*index]).collect();
            for (place, answer) in attempt(&asked, connection).await? {
                answers[left[place]] = Some(answer);
            }
        }
        let busy = || {
            let message = "a credential is changed by others all the time; try again";
            Err(PortError::transient(ErrorKind::Conflict, message).into())
        };
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(busy)).collect())
    }
}

/// The answers that there are after one try. None for a credential that was changed meanwhile: it has to be looked at again.
async fn attempt(
    openings: &[&Open],
    connection: &mut PgConnection,
) -> Result<Vec<(usize, Result<Lease, JournalError>)>, sqlx::Error> {
    let mut stored = look(openings, connection).await?;
    let mut answers = Vec::new();
    let mut fitting = Vec::new();
    for (index, opening) in openings.iter().enumerate() {
        let found = stored.remove(&index).expect("one row for each that was asked for");
        match opening.check(&found) {
            Err(refusal) => answers.push((index, Err(refusal))),
            Ok(()) => fitting.push((index, *opening, found.record.unwrap_or_default())),
        }
    }
    if !fitting.is_empty() {
        for place in write(&fitting, connection).await? {
            let (index, opening, _) = &fitting[place];
            answers.push((*index, Ok(opening.lease.clone())));
        }
    }
    Ok(answers)
}

async fn look(openings: &[&Open], connection: &mut PgConnection) -> Result<HashMap<usize, Stored>, sqlx::Error> {
    let names: Vec<_> = openings.iter().map(|opening| opening.key()).collect();
    let ids: Vec<_> = openings.iter().map(|opening| opening.new.rotation.as_str()).collect();
    let query = sqlx::query_as(LOOK).bind(names).bind(ids);
    let found: Vec<(i64, Option<String>, bool)> = query.fetch_all(connection).await?;
    let stored = found.into_iter().map(|(number, record, was_opened)| {
        let stored = Stored { record, was_opened };
        (number as usize - 1, stored)
    });
    Ok(stored.collect())
}

async fn write(fitting: &[(usize, &Open, String)], connection: &mut PgConnection) -> Result<Vec<usize>, sqlx::Error> {
    fn column<'a, T>(fitting: &'a [(usize, &'a Open, String)], value: impl Fn(&'a Open) -> T) -> Vec<T> {
        fitting.iter().map(|(_, opening, _)| value(opening)).collect()
    }
    let stored: Vec<_> = fitting.iter().map(|(_, _, record)| record.as_str()).collect();
    let opened: Vec<(i64,)> = sqlx::query_as(OPEN)
        .bind(column(fitting, |opening| opening.key()))
        .bind(column(fitting, |opening| opening.new.rotation.as_str()))
        .bind(stored)
        .bind(column(fitting, |opening| opening.record.as_str()))
        .bind(column(fitting, |opening| opening.new.credential.next_due.map(nanos)))
        .bind(column(fitting, |opening| opening.entry.as_str()))
        .bind(column(fitting, |opening| opening.driver.as_str()))
        .bind(column(fitting, |opening| nanos(opening.lease.until)))
        .bind(column(fitting, |opening| opening.now))
        .fetch_all(connection)
        .await?;
    Ok(opened.into_iter().map(|(number,)| number as usize - 1).collect())
}
