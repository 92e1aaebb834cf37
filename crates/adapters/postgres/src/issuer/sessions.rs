//! The sessions of a role: who has them, and their end.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{Held, PortError, Usage};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::PostgresIssuer;
use super::place::{Kind, Place};
use crate::error;
use crate::quote::RoleName;

/// Groups of sessions that are named; more would say the same.
const SHOWN: i64 = 20;
/// A session that was told to end needs a moment for it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
const PAUSE: SignedDuration = SignedDuration::from_millis(50);

/// Sessions that log in alike and come from the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    application: String,
    /// None where the rotator may not see it, and for a socket.
    address: Option<String>,
    count: i64,
    /// None where the rotator may not see it.
    oldest: Option<String>,
    /// How many of them are older than the switch; none where that is hidden.
    before: Option<i64>,
}

/// What is hidden from the rotator is NULL, the kind of a session too.
const SESSIONS: &str = r#"
SELECT coalesce(nullif(application_name, ''), 'without a name'), host(client_addr), count(*),
       to_char(min(backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       CASE WHEN bool_and(backend_start IS NOT NULL)
           THEN count(*) FILTER (WHERE backend_start < to_timestamp($2::double precision)) END
FROM pg_stat_activity
WHERE usename = $1::text::name AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')
GROUP BY 1, 2 ORDER BY 4 LIMIT $3"#;

/// Everything that can log in as one of the credential's roles, or act as its owner.
const HELD: &str = r#"
SELECT r.rolname::text, shobj_description(r.oid, 'pg_authid')
FROM pg_roles r
WHERE r.rolname = ANY ($1::text[]::name[])
   OR (r.rolcanlogin AND NOT r.rolsuper AND EXISTS (
        SELECT FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid
        WHERE m.member = r.oid AND o.rolname = $2::text::name AND NOT m.admin_option))
ORDER BY 1"#;

impl PostgresIssuer {
    /// Who uses the version. Twins tell their versions apart by their names; of one role that goes on, the sessions that were
    /// opened before the switch are the old version's.
    pub(super) async fn sessions_of(
        &self,
        id: &VersionId,
        name: &RoleName,
        switched: Timestamp,
    ) -> Result<Usage, PortError> {
        let (mut using, mut quiet) = (Vec::new(), Vec::new());
        let twins = self.roles.twins.is_some();
        for place in self.places.iter().filter(|place| place.kind != Kind::Pooler) {
            let groups = self.groups(place, name, switched).await?;
            if !twins && groups.iter().any(|group| group.before.is_none()) {
                return Ok(Usage::Untold);
            }
            let before = groups.iter().filter(|group| twins || group.before != Some(0));
            let said: Vec<_> = before.map(|group| group.said(twins)).collect();
            if said.is_empty() {
                quiet.push(self.fact(id, place, unseen(name, twins)));
            }
            using.extend(said.into_iter().map(|said| self.fact(id, place, said)));
        }
        Ok(if using.is_empty() {
            Usage::Unused(quiet)
        } else {
            Usage::InUse(using)
        })
    }

    /// Ends every session of the role, everywhere. Returns what came of it, for people.
    pub(super) async fn end_sessions(&self, name: &RoleName) -> Result<String, PortError> {
        let mut said = String::new();
        for place in self.places.iter().filter(|place| place.kind != Kind::Pooler) {
            let (mut ended, mut left) = (0, 0);
            let begun = self.admin.clock.monotonic();
            // One that was about to begin while its role lost its login comes a moment later.
            while self.admin.clock.monotonic() - begun < PATIENCE {
                let now = self.terminate(place, name).await?;
                ended = ended.max(now);
                left = now;
                if now == 0 {
                    break;
                }
                self.admin.clock.sleep(PAUSE).await;
            }
            said.push_str(&match (ended, left) {
                (0, _) => format!("; no session of it was open at {place}"),
                (ended, 0) => format!("; its {ended} sessions at {place} were ended"),
                (_, left) => format!("; {left} sessions at {place} were told to end and have not yet"),
            });
        }
        Ok(said)
    }

    pub(super) async fn held(&self) -> Result<Vec<Held>, PortError> {
        let mut loan = self.admin.lend(self.limits()).await?;
        let names: Vec<&str> = self.roles.all().map(RoleName::as_str).collect();
        let asked = sqlx::query_as(HELD).bind(names).bind(self.roles.owner.as_str());
        let listed = asked.fetch_all(&mut loan.rotator.connection);
        let found: Vec<(String, Option<String>)> = self.answered("list the roles", &self.admin.place(), listed).await?;
        loan.give_back();
        // The rotator may be a member of what it rotates, to be able to change it.
        let others = found.into_iter().filter(|(id, _)| *id != self.config.admin.user);
        Ok(others.map(|(id, name)| Held { id, name }).collect())
    }

    async fn groups(&self, place: &Place, name: &RoleName, switched: Timestamp) -> Result<Vec<Group>, PortError> {
        let doing = "see who is connected";
        if place.kind == Kind::Replica {
            let mut replica = self.visit(place).await?;
            let asked = groups(&mut replica.connection, name, switched);
            return self.answered(doing, &place.to_string(), asked).await;
        }
        let mut loan = self.admin.lend(self.limits()).await?;
        let asked = groups(&mut loan.rotator.connection, name, switched);
        let found = self.answered(doing, &self.admin.place(), asked).await?;
        loan.give_back();
        Ok(found)
    }

    /// Tells every session of the role to end. How many there were.
    async fn terminate(&self, place: &Place, name: &RoleName) -> Result<i64, PortError> {
        let doing = "end the sessions that are left";
        let place_said = place.to_string();
        let told = if place.kind == Kind::Replica {
            let mut replica = self.visit(place).await?;
            self.ended(terminate(&mut replica.connection, name)).await
        } else {
            let mut loan = self.admin.lend(self.limits()).await?;
            let told = self.ended(terminate(&mut loan.rotator.connection, name)).await;
            if told.is_ok() {
                loan.give_back();
            }
            told
        };
        told.map_err(|failed| match failed {
            Some(failed) => error::statement(doing, &place_said, failed),
            None => error::timed_out(doing, &place_said, self.config.statement_timeout),
        })
    }

    /// An answer, or none in time.
    async fn ended(
        &self,
        told: impl Future<Output = Result<i64, sqlx::Error>> + Send,
    ) -> Result<i64, Option<sqlx::Error>> {
        tokio::select! {
            biased;
            told = told => told.map_err(Some),
            () = self.admin.clock.sleep(self.config.statement_timeout) => Err(None),
        }
    }

    fn fact(&self, id: &VersionId, place: &Place, detail: String) -> Evidence {
        Evidence::new(EvidenceKind::Usage, format!("{id} at {place}"), detail)
    }
}

impl Group {
    fn said(&self, twins: bool) -> String {
        let count = if twins {
            self.count
        } else {
            self.before.unwrap_or(self.count)
        };
        let sessions = if count == 1 { "session" } else { "sessions" };
        let from = self
            .address
            .as_deref()
            .unwrap_or("an address that is hidden, or a socket");
        let since = match &self.oldest {
            Some(oldest) => format!("the oldest since {oldest}"),
            None => "since when is hidden (GRANT pg_read_all_stats shows it)".to_owned(),
        };
        format!("{count} {sessions} of {} from {from}, {since}", self.application)
    }
}

fn unseen(name: &RoleName, twins: bool) -> String {
    let which = if twins {
        "is open"
    } else {
        "that began before the switch is open"
    };
    format!(
        "no session of {name} {which} in any database now; who connects for a moment only, between two looks, is not seen"
    )
}

async fn groups(
    connection: &mut PgConnection,
    name: &RoleName,
    switched: Timestamp,
) -> Result<Vec<Group>, sqlx::Error> {
    let seconds = switched.as_microsecond() as f64 / 1e6;
    let rows = sqlx::query(SESSIONS)
        .bind(name.as_str())
        .bind(seconds)
        .bind(SHOWN)
        .fetch_all(connection);
    let group = |row: &sqlx::postgres::PgRow| {
        Ok(Group {
            application: row.try_get(0)?,
            address: row.try_get(1)?,
            count: row.try_get(2)?,
            oldest: row.try_get(3)?,
            before: row.try_get(4)?,
        })
    };
    rows.await?.iter().map(group).collect()
}

async fn terminate(connection: &mut PgConnection, name: &RoleName) -> Result<i64, sqlx::Error> {
    let question = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1::text::name";
    sqlx::query_scalar(question)
        .bind(name.as_str())
        .fetch_one(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_says_who_and_since_when_as_far_as_it_is_seen() {
        let group = Group {
            application: "goimg-api".to_owned(),
            address: Some("10.0.0.7".to_owned()),
            count: 3,
            oldest: Some("2026-11-01T00:00:00Z".to_owned()),
            before: Some(1),
        };
        let seen = "3 sessions of goimg-api from 10.0.0.7, the oldest since 2026-11-01T00:00:00Z";
        assert_eq!(group.said(true), seen);
        assert!(group.said(false).starts_with("1 session of"));
        let hidden = Group {
            address: None,
            oldest: None,
            before: None,
            ..group
        };
        assert!(hidden.said(true).contains("pg_read_all_stats"));
    }
}
