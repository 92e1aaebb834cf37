//! Appending entries.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use keywheel_domain::id::{RotationId, Sequence};
use keywheel_domain::ports::{Append, JournalError, Lease};
use keywheel_domain::stored_time::nanos;
use keywheel_domain::{credential, rotation};
use sqlx::PgConnection;

use super::invalid;
use crate::database::Change;

pub(crate) struct AppendEntries {
    lease: Lease,
    after: Sequence,
    last: Sequence,
    records: Vec<String>,
    credential: Option<CredentialAfter>,
    wake: Option<i64>,
}

struct CredentialAfter {
    name: String,
    record: String,
    active: Option<RotationId>,
    next_due: Option<i64>,
}

impl AppendEntries {
    pub(super) fn new(append: &Append) -> Result<Self, JournalError> {
        append.check()?;
        let credential = append.credential.as_ref().map(|credential| CredentialAfter {
            name: credential.name.as_str().to_owned(),
            record: credential::encode(credential),
            active: credential.active.clone(),
            next_due: credential.next_due.map(nanos),
        });
        Ok(Self {
            lease: append.lease.clone(),
            after: append.after,
            last: append.last(),
            records: append.entries.iter().map(rotation::encode).collect(),
            credential,
            wake: append.wake.map(nanos),
        })
    }
}

/// Everything at once, and committed when it returns. Where the comparison does not hold for a rotation, nothing of it is written.
/// A rotation ends with a credential that names none.
const APPEND: &str = "
    WITH moved AS (
        UPDATE rotations r SET last_sequence = a.last, until = greatest(r.until, a.until), wake = a.wake,
            running = a.credential IS NULL OR a.active IS NOT NULL
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::text[], $8::text[], $9::text[], $10::bigint[]) WITH ORDINALITY
            AS a (rotation, token, after, last, until, wake, credential, record, active, next_due, number)
        WHERE r.id = a.rotation AND r.token = a.token AND r.driver IS NOT NULL AND r.last_sequence = a.after
            AND r.running AND r.credential = coalesce(a.credential, r.credential)
        RETURNING a.number, a.rotation, a.after, a.credential, a.record, a.active, a.next_due
    ), written AS (
        INSERT INTO entries (rotation, sequence, record)
        SELECT moved.rotation, moved.after + e.place, e.record
        FROM unnest($11::bigint[], $12::bigint[], $13::text[]) AS e (number, place, record)
        JOIN moved ON moved.number = e.number
    ), followed AS (
        UPDATE credentials c SET record = moved.record, active = moved.active, next_due = moved.next_due
        FROM moved WHERE c.name = moved.credential
    )
    SELECT number FROM moved";

#[async_trait]
impl Change for AppendEntries {
    type Answer = ();

    const DOING: &'static str = "append to the journal";

    fn key(&self) -> &str {
        self.lease.rotation.as_str()
    }

    async fn make(
        appends: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<(), JournalError>>, sqlx::Error> {
        let moved = write(appends, connection).await?;
        if moved.len() == appends.len() {
            return Ok(appends.iter().map(|_| Ok(())).collect());
        }
        let refused = appends.iter().enumerate().filter(|(index, _)| !moved.contains(index));
        let ids = refused.map(|(_, append)| append.key()).collect();
        let found = look(ids, connection).await?;
        let answers = appends
            .iter()
            .enumerate()
            .map(|(index, append)| match moved.contains(&index) {
                true => Ok(()),
                false => Err(append.refusal(found.get(append.key()))),
            });
        Ok(answers.collect())
    }
}

/// Which of them were appended.
async fn write(appends: &[&AppendEntries], connection: &mut PgConnection) -> Result<HashSet<usize>, sqlx::Error> {
    // One array for each column, with as many elements as there are appends.
    fn column<'a, T>(appends: &[&'a AppendEntries], value: impl Fn(&'a AppendEntries) -> T) -> Vec<T> {
        appends.iter().map(|append| value(append)).collect()
    }
    fn after<'a, T>(appends: &[&'a AppendEntries], value: impl Fn(&'a CredentialAfter) -> Option<T>) -> Vec<Option<T>> {
        column(appends, |append| append.credential.as_ref().and_then(&value))
    }
    let entries = (1_i64..).zip(appends).flat_map(|(number, append)| {
        let places = (1_i64..).zip(&append.records);
        places.map(move |(place, record)| (number, place, record.as_str()))
    });
    let (mut numbers, mut places, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for (number, place, record) in entries {
        numbers.push(number);
        places.push(place);
        records.push(record);
    }
    let moved: Vec<(i64,)> = sqlx::query_as(APPEND)
        .bind(column(appends, |append| append.key()))
        .bind(column(appends, |append| append.lease.token.0.cast_signed()))
        .bind(column(appends, |append| append.after.0.cast_signed()))
        .bind(column(appends, |append| append.last.0.cast_signed()))
        .bind(column(appends, |append| nanos(append.lease.until)))
        .bind(column(appends, |append| append.wake))
        .bind(after(appends, |credential| Some(credential.name.as_str())))
        .bind(after(appends, |credential| Some(credential.record.as_str())))
        .bind(after(appends, |credential| {
            credential.active.as_ref().map(RotationId::as_str)
        }))
        .bind(after(appends, |credential| credential.next_due))
        .bind(numbers)
        .bind(places)
        .bind(records)
        .fetch_all(connection)
        .await?;
    Ok(moved.into_iter().map(|(number,)| number as usize - 1).collect())
}

/// A rotation as it is now, for whoever could not append to it.
struct State {
    token: i64,
    is_held: bool,
    last: i64,
    running: bool,
    credential: String,
}

async fn look(ids: Vec<&str>, connection: &mut PgConnection) -> Result<HashMap<String, State>, sqlx::Error> {
    let query = "
        SELECT id, token, driver IS NOT NULL, last_sequence, running, credential FROM rotations WHERE id = ANY($1)";
    let found: Vec<(String, i64, bool, i64, bool, String)> =
        sqlx::query_as(query).bind(ids).fetch_all(connection).await?;
    let states = found
        .into_iter()
        .map(|(id, token, is_held, last, running, credential)| {
            let state = State {
                token,
                is_held,
                last,
                running,
                credential,
            };
            (id, state)
        });
    Ok(states.collect())
}

impl AppendEntries {
    /// Why nothing was appended.
    fn refusal(&self, found: Option<&State>) -> JournalError {
        let (token, after) = (self.lease.token.0.cast_signed(), self.after.0.cast_signed());
        let ours = found.filter(|state| state.is_held && state.token == token && state.last == after);
        match (ours, &self.credential) {
            (Some(state), _) if !state.running => invalid("the rotation is over"),
            (Some(state), Some(credential)) if state.credential != credential.name => {
                invalid("the credential is not that of the rotation")
            }
            _ => JournalError::Fenced,
        }
    }
}
