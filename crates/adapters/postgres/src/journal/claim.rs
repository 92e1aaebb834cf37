//! Taking the lease of a rotation.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{DriverId, FencingToken, RotationId};
use keywheel_domain::ports::{ErrorKind, JournalError, Lease, PortError};
use keywheel_domain::stored_time::{nanos, time};
use sqlx::PgConnection;

use crate::database::Change;

/// How often a claim is tried that finds the rotation free and then taken. Whoever took it gave it up again each time.
const TRIES: u32 = 16;

pub(crate) struct Claim {
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
            until: super::until(now, ttl),
        }
    }

    fn lease(&self, token: i64) -> Lease {
        Lease {
            rotation: self.rotation.clone(),
            token: FencingToken(token.cast_unsigned()),
            until: self.until,
        }
    }

    fn not_found(&self) -> JournalError {
        let message = format!("there is no rotation {}; see `keywheel history`", self.rotation);
        PortError::permanent(ErrorKind::NotFound, message).into()
    }
}

/// Takes those that are free. Processes that find the same rotations due claim them in any order: a row that somebody else has
/// locked at this moment is passed over, so that two such statements never wait for each other.
const TAKE: &str = "
    WITH free AS MATERIALIZED (
        SELECT a.number, a.driver, a.until, r.id
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
            AS a (rotation, driver, now, until, number)
        JOIN rotations r ON r.id = a.rotation
        WHERE r.driver IS NULL OR r.driver = a.driver OR r.until <= a.now
        FOR NO KEY UPDATE OF r SKIP LOCKED
    )
    UPDATE rotations r SET token = r.token + 1, driver = free.driver, until = free.until
    FROM free WHERE r.id = free.id
    RETURNING free.number, r.token";

/// Takes one, and waits for whoever has it locked. That is never long, and it is one row alone.
const TAKE_ONE: &str = "
    UPDATE rotations SET token = token + 1, driver = $2, until = $4
    WHERE id = $1 AND (driver IS NULL OR driver = $2 OR until <= $3)
    RETURNING token";

#[async_trait]
impl Change for Claim {
    type Answer = Lease;

    const DOING: &'static str = "claim a rotation";

    fn key(&self) -> &str {
        self.rotation.as_str()
    }

    async fn make(
        claims: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<Lease, JournalError>>, sqlx::Error> {
        let mut taken = take(claims, connection).await?;
        if taken.len() == claims.len() {
            let leases = claims.iter().enumerate().filter_map(|(index, _)| taken.remove(&index));
            return Ok(leases.map(Ok).collect());
        }
        let left = (0..claims.len()).filter(|index| !taken.contains_key(index));
        let holders = look(left.map(|index| claims[index]), connection).await?;
        let mut answers = Vec::with_capacity(claims.len());
        for (index, claim) in claims.iter().enumerate() {
            answers.push(match taken.remove(&index) {
                Some(lease) => Ok(lease),
                None => match claim.refusal(holders.get(claim.key()))? {
                    Some(refusal) => Err(refusal),
                    None => claim.take_after_all(connection).await?,
                },
            });
        }
        Ok(answers)
    }
}

async fn take(claims: &[&Claim], connection: &mut PgConnection) -> Result<HashMap<usize, Lease>, sqlx::Error> {
    let taken: Vec<(i64, i64)> = sqlx::query_as(TAKE)
        .bind(claims.iter().map(|claim| claim.rotation.as_str()).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.driver.as_str()).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| nanos(claim.now)).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| nanos(claim.until)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let leases = taken.into_iter().map(|(number, token)| {
        let index = number as usize - 1;
        (index, claims[index].lease(token))
    });
    Ok(leases.collect())
}

/// Who holds a rotation, until when; nobody where there is no driver.
type Holder = (Option<String>, Option<i64>);

/// Who holds each of those that are there.
async fn look(
    claims: impl Iterator<Item = &Claim>,
    connection: &mut PgConnection,
) -> Result<HashMap<String, Holder>, sqlx::Error> {
    let ids: Vec<_> = claims.map(Change::key).collect();
    let query = sqlx::query_as("SELECT id, driver, until FROM rotations WHERE id = ANY($1)").bind(ids);
    let found: Vec<(String, Option<String>, Option<i64>)> = query.fetch_all(connection).await?;
    Ok(found
        .into_iter()
        .map(|(id, driver, until)| (id, (driver, until)))
        .collect())
}

impl Claim {
    /// Why it cannot be taken; none where it can, as far as this shows.
    fn refusal(&self, holder: Option<&Holder>) -> Result<Option<JournalError>, sqlx::Error> {
        let Some((driver, until)) = holder else {
            return Ok(Some(self.not_found()));
        };
        let Some((driver, until)) = driver.as_ref().zip(until.map(time)) else {
            return Ok(None);
        };
        if driver == self.driver.as_str() || self.now >= until {
            return Ok(None);
        }
        let holder = DriverId::try_from(driver.clone()).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Some(JournalError::Held { holder, until }))
    }

    /// Takes what looked free and was locked.
    async fn take_after_all(&self, connection: &mut PgConnection) -> Result<Result<Lease, JournalError>, sqlx::Error> {
        for _ in 0..TRIES {
            let taken: Option<(i64,)> = sqlx::query_as(TAKE_ONE)
                .bind(self.rotation.as_str())
                .bind(self.driver.as_str())
                .bind(nanos(self.now))
                .bind(nanos(self.until))
                .fetch_optional(&mut *connection)
                .await?;
            if let Some((token,)) = taken {
                return Ok(Ok(self.lease(token)));
            }
            let holders = look(std::iter::once(self), connection).await?;
            if let Some(refusal) = self.refusal(holders.get(self.key()))? {
                return Ok(Err(refusal));
            }
        }
        let message = format!(
            "rotation {} is claimed and released by others all the time; try again",
            self.rotation
        );
        Ok(Err(PortError::transient(ErrorKind::Conflict, message).into()))
    }
}
