//! What the rotator may do, and the statements that give it what is missing.

use keywheel_domain::ports::Finding;
use serde::Deserialize;
use sqlx::postgres::PgConnection;

use super::super::roles::{Roles, Snapshot};
use crate::config::PostgresConfig;
use crate::connect::Server;
use crate::quote::{RoleName, identifier};

/// From this version on `CREATEROLE` alone changes only what was made by it.
const NEEDS_ADMIN_OPTION: i32 = 160_000;

/// What the server says about the rotator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Rights {
    pub(super) superuser: bool,
    create_role: bool,
    /// Whether it may end others' sessions.
    signal: bool,
    /// Whether it sees where others come from.
    stats: bool,
    /// Whether it may read pg_hba.conf.
    pub(super) hba: bool,
    /// The roles that it may give to others.
    admin_of: Vec<String>,
}

const QUESTION: &str = r#"
SELECT jsonb_build_object(
    'superuser', u.rolsuper, 'create_role', u.rolcreaterole,
    'signal', pg_has_role(u.oid, 'pg_signal_backend', 'USAGE'),
    'stats', pg_has_role(u.oid, 'pg_read_all_stats', 'USAGE'),
    'hba', has_table_privilege(u.oid, 'pg_hba_file_rules', 'SELECT')
        AND has_function_privilege(u.oid, 'pg_hba_file_rules()', 'EXECUTE'),
    'admin_of', (SELECT coalesce(jsonb_agg(g.rolname), '[]') FROM pg_roles g
        WHERE g.rolname = ANY ($1::text[]::name[]) AND pg_has_role(u.oid, g.oid, 'MEMBER WITH ADMIN OPTION'))
)::text FROM pg_roles u WHERE u.rolname = current_user"#;

pub(super) async fn ask(connection: &mut PgConnection, roles: &Roles) -> Result<Rights, sqlx::Error> {
    let names: Vec<&str> = roles.all().map(RoleName::as_str).collect();
    let found: String = sqlx::query_scalar(QUESTION).bind(names).fetch_one(connection).await?;
    serde_json::from_str(&found).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Rights {
    pub(super) fn findings(&self, config: &PostgresConfig, server: &Server, snapshot: &Snapshot) -> Vec<Finding> {
        let rotator = identifier(&server.user);
        let subject = format!("rotator {}", server.user);
        let mut findings = Vec::new();
        if !self.superuser && !self.create_role {
            let fix = format!("ALTER ROLE {rotator} CREATEROLE");
            findings.push(Finding::blocker(&subject, "may not change roles", fix));
        }
        if !self.superuser && server.number >= NEEDS_ADMIN_OPTION {
            // Without SET and INHERIT it can give the role to others, and not use it.
            let missing = snapshot.keys().filter(|name| !self.admin_of.contains(*name));
            findings.extend(missing.map(|name| {
                let fix = format!(
                    "GRANT {} TO {rotator} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE",
                    identifier(name)
                );
                Finding::blocker(&subject, format!("may not change the role {name}"), fix)
            }));
        }
        if !self.signal && config.terminate_sessions {
            let fix = format!("GRANT pg_signal_backend TO {rotator}");
            findings.push(Finding::blocker(
                &subject,
                "may not end sessions, as `terminate_sessions` asks",
                fix,
            ));
        }
        if !self.stats {
            let fix = format!("GRANT pg_read_all_stats TO {rotator}");
            let detail =
                "does not see from where and since when others are connected, so that a held drain cannot say it";
            findings.push(Finding::warning(&subject, detail, fix));
        }
        if findings.is_empty() {
            findings.push(Finding::fine(subject, "has every right that a rotation needs"));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use keywheel_domain::ports::Severity;

    use super::*;

    fn rights() -> Rights {
        Rights {
            superuser: false,
            create_role: true,
            signal: true,
            stats: true,
            hba: true,
            admin_of: vec!["goimg".to_owned()],
        }
    }

    fn found(rights: &Rights, number: i32) -> Vec<(Severity, String)> {
        let mut config: PostgresConfig =
            serde_json::from_str(r#"{"role":"goimg","admin":{"host":"db","user":"key-wheel"}}"#).unwrap();
        config.terminate_sessions = true;
        let server = Server {
            number,
            version: "of a test".to_owned(),
            hashes_with_md5: false,
            is_standby: false,
            user: "key-wheel".to_owned(),
        };
        let snapshot = ["goimg", "goimg_a"]
            .map(|name| (name.to_owned(), super::super::super::roles::tests::role(name)))
            .into();
        let found = rights.findings(&config, &server, &snapshot).into_iter();
        found.map(|finding| (finding.severity, finding.fix)).collect()
    }

    #[test]
    fn a_rotator_with_every_right_is_fine() {
        assert_eq!(found(&rights(), 150_018), [(Severity::Fine, String::new())]);
    }

    #[test]
    fn what_is_missing_is_named_with_the_statement_that_gives_it() {
        let none = Rights {
            create_role: false,
            signal: false,
            stats: false,
            ..rights()
        };
        let fixes = [
            (Severity::Blocker, "ALTER ROLE \"key-wheel\" CREATEROLE".to_owned()),
            (Severity::Blocker, "GRANT pg_signal_backend TO \"key-wheel\"".to_owned()),
            (Severity::Warning, "GRANT pg_read_all_stats TO \"key-wheel\"".to_owned()),
        ];
        assert_eq!(found(&none, 150_018), fixes);
    }

    #[test]
    fn newer_servers_want_an_admin_option_on_each_role() {
        let fix = "GRANT \"goimg_a\" TO \"key-wheel\" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE";
        assert_eq!(found(&rights(), 160_000), [(Severity::Blocker, fix.to_owned())]);
        let superuser = Rights {
            superuser: true,
            ..rights()
        };
        assert_eq!(found(&superuser, 160_000), [(Severity::Fine, String::new())]);
    }
}
