//! Giving the lease of a rotation up.

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::ports::{JournalError, Lease};
use keywheel_domain::stored_time::nanos;
use sqlx::PgConnection;

use crate::database::Change;

pub(crate) struct Release {
    lease: Lease,
    wake: Option<i64>,
}

impl Release {
    pub(super) fn new(lease: &Lease, wake: Option<Timestamp>) -> Self {
        Self {
            lease: lease.clone(),
            wake: wake.map(nanos),
        }
    }
}

const RELEASE: &str = "
    UPDATE rotations r SET driver = NULL, until = NULL, wake = a.wake
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS a (rotation, token, wake)
    WHERE r.id = a.rotation AND r.token = a.token AND r.driver IS NOT NULL";

#[async_trait]
impl Change for Release {
    type Answer = ();

    const DOING: &'static str = "release a rotation";

    fn key(&self) -> &str {
        self.lease.rotation.as_str()
    }

    async fn make(
        releases: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<(), JournalError>>, sqlx::Error> {
        let rotations: Vec<_> = releases.iter().map(|release| release.key()).collect();
        let tokens: Vec<_> = releases
            .iter()
            .map(|release| release.lease.token.0.cast_signed())
            .collect();
        let wakes: Vec<_> = releases.iter().map(|release| release.wake).collect();
        sqlx::query(RELEASE)
            .bind(rotations)
            .bind(tokens)
            .bind(wakes)
            .execute(connection)
            .await?;
        Ok(releases.iter().map(|_| Ok(())).collect())
    }
}
