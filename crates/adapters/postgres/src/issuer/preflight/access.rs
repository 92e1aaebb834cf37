//! Whether `pg_hba.conf` lets the next twin in wherever it lets in the role that consumers use now.

use keywheel_domain::ports::{Finding, PortError};
use serde::Deserialize;

use super::super::PostgresIssuer;
use super::super::material::Parts;
use super::rights::Rights;
use crate::connect::Loan;
use crate::quote::{RoleName, identifier};

/// One line of the file that lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Line {
    number: i64,
    /// What has to be the same for two lines to let the same connections in.
    scope: String,
    users: Vec<String>,
}

const LINES: &str = r#"
SELECT coalesce(jsonb_agg(jsonb_build_object('number', line_number, 'users', to_jsonb(user_name),
    'scope', concat_ws(' ', type, database::text, address, netmask)) ORDER BY line_number), '[]')::text
FROM pg_hba_file_rules WHERE error IS NULL AND auth_method <> 'reject'"#;

impl PostgresIssuer {
    pub(super) async fn access_findings(
        &self,
        loan: &mut Loan<'_>,
        rights: &Rights,
        current: Option<&Parts>,
    ) -> Result<Vec<Finding>, PortError> {
        let subject = format!("pg_hba.conf at {}", self.admin.place());
        let owner = &self.roles.owner;
        if !rights.hba {
            let rotator = identifier(&loan.rotator.server.user);
            return Ok(vec![Finding::warning(
                subject,
                format!(
                    "cannot be read: whether lines in it name {owner} alone, and so would refuse its twins, is not known"
                ),
                format!(
                    "write `+{owner}` where a line names it; to have it checked: GRANT SELECT ON pg_hba_file_rules TO {rotator}; GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO {rotator} -- in database {}",
                    self.config.admin.database
                ),
            )]);
        }
        let asked = sqlx::query_scalar(LINES).fetch_one(&mut loan.rotator.connection);
        let found: String = self.answered("read pg_hba.conf", &self.admin.place(), asked).await?;
        let lines: Vec<Line> = serde_json::from_str(&found).unwrap_or_default();
        let used = current.map_or(owner, |parts| &parts.username);
        let next = self.roles.next(current.map(|parts| parts.username.as_str()));
        let locked_out = locked_out(&lines, used, next);
        if locked_out.is_empty() {
            return Ok(vec![Finding::fine(
                subject,
                format!("lets {next} in wherever it lets {used} in"),
            )]);
        }
        let finding = |number: i64| {
            Finding::blocker(
                &subject,
                format!("line {number} lets {used} in by its name, and not {next}"),
                format!(
                    "write `+{owner}` there, which means {owner} and its members, and reload: SELECT pg_reload_conf()"
                ),
            )
        };
        Ok(locked_out.into_iter().map(finding).collect())
    }
}

/// The lines that let one role in by its name, and where no line of the same scope lets the other one in.
///
/// A group lets both in or neither, since one is a member of what the other is; so does a pattern, as far as anybody can tell.
fn locked_out(lines: &[Line], used: &RoleName, next: &RoleName) -> Vec<i64> {
    let covers = |line: &Line| {
        let open = |user: &String| user == "all" || user == next.as_str() || user.starts_with(['+', '/']);
        line.users.iter().any(open)
    };
    let names = |line: &&Line| line.users.iter().any(|user| user == used.as_str());
    let same_scope = |line: &Line| lines.iter().any(|other| other.scope == line.scope && covers(other));
    lines
        .iter()
        .filter(names)
        .filter(|line| !same_scope(line))
        .map(|line| line.number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[(&str, &[&str])]) -> Vec<i64> {
        let lines: Vec<_> = (1..)
            .zip(lines)
            .map(|(number, (scope, users))| Line {
                number,
                scope: (*scope).to_owned(),
                users: users.iter().map(|user| (*user).to_owned()).collect(),
            })
            .collect();
        locked_out(&lines, &"goimg".parse().unwrap(), &"goimg_a".parse().unwrap())
    }

    #[test]
    fn lines_that_let_everybody_or_the_group_in_are_fine() {
        assert_eq!(found(&[("host app 10.0.0.0", &["all"])]), Vec::<i64>::new());
        assert_eq!(found(&[("host app 10.0.0.0", &["+goimg"])]), Vec::<i64>::new());
        assert_eq!(
            found(&[("host app 10.0.0.0", &["goimg", "goimg_a", "goimg_b"])]),
            Vec::<i64>::new()
        );
        assert_eq!(found(&[("host app 10.0.0.0", &["postgres"])]), Vec::<i64>::new());
    }

    #[test]
    fn a_line_that_names_the_role_in_use_alone_locks_the_next_one_out() {
        let lines: [(&str, &[&str]); 2] = [("local all", &["all"]), ("host app 10.0.0.0", &["goimg"])];
        assert_eq!(found(&lines), [2]);
    }

    #[test]
    fn another_line_of_the_same_scope_lets_it_in() {
        let lines: [(&str, &[&str]); 2] = [("host app 10.0.0.0", &["goimg"]), ("host app 10.0.0.0", &["goimg_a"])];
        assert_eq!(found(&lines), Vec::<i64>::new());
    }
}
