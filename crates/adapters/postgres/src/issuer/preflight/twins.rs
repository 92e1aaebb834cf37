//! Whether the twin that comes next may be taken, and is like the role that consumers use now.

use keywheel_domain::ports::{Finding, PortError};
use sqlx::AssertSqlSafe;

use super::super::material::Parts;
use super::super::roles::{RoleState, Snapshot};
use super::super::{PostgresIssuer, drift, statements};
use super::rights::Rights;
use crate::connect::Loan;
use crate::quote::{RoleName, identifier};

/// From this version on a right to set a parameter can be given.
const GRANTS_PARAMETERS: i32 = 150_000;

/// The settings that only a superuser gives to roles, unless that right was granted: some of the server's own, and all that the
/// server does not know.
const RESERVED: &str = r#"
SELECT n FROM unnest($1::text[]) n
WHERE NOT EXISTS (SELECT FROM pg_settings s WHERE lower(s.name) = lower(n) AND s.context IN ('user', 'backend'))"#;

/// How many sessions a role has.
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1::text::name";

impl PostgresIssuer {
    /// Drift, a twin of somebody else's, a login that should be gone.
    pub(super) fn twin_findings(&self, snapshot: &Snapshot, current: Option<&Parts>) -> Vec<Finding> {
        let used = current.map(|parts| parts.username.as_str());
        let next = self.roles.next(used);
        let subject = format!("role {next}");
        let mut findings = Vec::new();
        let used = snapshot.get(used.unwrap_or(self.roles.owner.as_str()));
        match snapshot.get(next.as_str()) {
            None => findings.push(Finding::fine(&subject, "does not exist yet, and will be made")),
            Some(state) => findings.extend(self.known_twin(next, state, used)),
        }
        findings.extend(self.owners_login(snapshot, used));
        if findings.is_empty() {
            findings.push(Finding::fine(subject, "comes next, and is like the one in use"));
        }
        findings
    }

    fn known_twin(&self, next: &RoleName, state: &RoleState, used: Option<&RoleState>) -> Vec<Finding> {
        let subject = format!("role {next}");
        if state.mark().is_none() {
            return vec![Finding::blocker(
                subject,
                "exists, and Keywheel did not make it",
                format!(
                    "choose other names in `twins`, or, if nobody uses it: COMMENT ON ROLE {} IS 'keywheel: <name of the credential>'",
                    next.quoted()
                ),
            )];
        }
        let differences = used.map(|used| drift::differences(used, state, &self.roles.owner));
        differences
            .into_iter()
            .flatten()
            .map(|difference| Finding::blocker(&subject, difference.what, difference.fix))
            .collect()
    }

    /// Once the twins are in use nobody needs to log in as the owner; that somebody can is worth knowing.
    fn owners_login(&self, snapshot: &Snapshot, used: Option<&RoleState>) -> Option<Finding> {
        let owner = snapshot.get(self.roles.owner.as_str()).filter(|owner| owner.login)?;
        let by_twin = used.is_some_and(|used| used.name != owner.name);
        by_twin.then(|| {
            Finding::warning(
                format!("role {}", owner.name),
                "can still log in by itself, and Keywheel rotates only its twins",
                format!("ALTER ROLE {} NOLOGIN -- if nobody needs it", self.roles.owner.quoted()),
            )
        })
    }

    /// Settings that a twin cannot be given because the rotator may not.
    pub(super) async fn reserved_settings(
        &self,
        loan: &mut Loan<'_>,
        rights: &Rights,
        snapshot: &Snapshot,
        current: Option<&Parts>,
    ) -> Result<Vec<Finding>, PortError> {
        let used = current.map(|parts| parts.username.as_str());
        let next = self.roles.next(used);
        let like = snapshot.get(used.unwrap_or(self.roles.owner.as_str()));
        let settings = like.map(|like| like.settings.as_slice()).unwrap_or_default();
        let names = settings.iter().map(|setting| setting.name.as_str());
        let names: Vec<&str> = names.filter(|name| *name != drift::ROLE).collect();
        if rights.superuser || snapshot.contains_key(next.as_str()) || names.is_empty() {
            return Ok(Vec::new());
        }
        let server = loan.rotator.server.number;
        let granted = " AND NOT has_parameter_privilege(n, 'SET')";
        let question = format!("{RESERVED}{}", if server >= GRANTS_PARAMETERS { granted } else { "" });
        let asked = sqlx::query_scalar::<_, String>(AssertSqlSafe(question)).bind(names);
        let asked = asked.fetch_all(&mut loan.rotator.connection);
        let reserved = self
            .answered("see who may set what", &self.admin.place(), asked)
            .await?;
        let rotator = identifier(&loan.rotator.server.user);
        let finding = |name: String| {
            let fix = if server >= GRANTS_PARAMETERS {
                format!("GRANT SET ON PARAMETER {} TO {rotator}", statements::variable(&name))
            } else {
                format!(
                    "have a superuser make {next} like {} beforehand, with COMMENT ON ROLE {} IS 'keywheel: <name of the credential>'",
                    self.roles.owner,
                    next.quoted()
                )
            };
            let detail = format!("has the setting {name}, which only a superuser may give to {next}");
            Finding::blocker(format!("role {}", self.roles.owner), detail, fix)
        };
        Ok(reserved.into_iter().map(finding).collect())
    }

    /// Whoever is connected as the twin that comes next would be refused the next time: its password will be exchanged.
    pub(super) async fn strangers(
        &self,
        loan: &mut Loan<'_>,
        snapshot: &Snapshot,
        current: Option<&Parts>,
    ) -> Result<Option<Finding>, PortError> {
        let next = self.roles.next(current.map(|parts| parts.username.as_str()));
        let Some(state) = snapshot.get(next.as_str()).filter(|state| state.login) else {
            return Ok(None);
        };
        let counted = sqlx::query_scalar(SESSIONS).bind(next.as_str());
        let counted = counted.fetch_one(&mut loan.rotator.connection);
        let count: i64 = self
            .answered("see who is connected", &self.admin.place(), counted)
            .await?;
        let subject = format!("role {}", state.name);
        Ok(Some(match count {
            0 => Finding::warning(
                subject,
                "can log in, though its turn has not come: a rotation may have been given up, or its inventory lost",
                format!(
                    "ALTER ROLE {} NOLOGIN -- if nobody uses it; its next turn exchanges its password in any case",
                    next.quoted()
                ),
            ),
            count => Finding::blocker(
                subject,
                format!("comes next, and has {count} sessions: somebody uses it, and its password would be exchanged"),
                "find out who that is, with `SELECT * FROM pg_stat_activity`, and give them the version in use",
            ),
        }))
    }
}
