//! Everything about the server that would be embarrassing to learn later.

mod access;
mod rights;
mod twins;

use keywheel_domain::ports::{Finding, PortError};

use super::material::Parts;
use super::place::Kind;
use super::roles::Snapshot;
use super::{PostgresIssuer, roles};
use crate::config::Tls;
use crate::connect::{Loan, Server};
use rights::Rights;

/// The oldest version that is known to behave as is relied on here.
const OLDEST: i32 = 130_000;

impl PostgresIssuer {
    /// Looks at the primary, the roles, the rights and the other endpoints. Changes nothing.
    pub(super) async fn look(&self, current: Option<&Parts>) -> Result<Vec<Finding>, PortError> {
        let mut loan = self.admin.lend(self.limits()).await?;
        let mut findings = self.server_findings(&loan.rotator.server);
        let (rights, snapshot) = self.asked(&mut loan).await?;
        findings.extend(rights.findings(&self.config, &loan.rotator.server, &snapshot));
        findings.extend(self.role_findings(&snapshot, current));
        if self.roles.twins.is_some() {
            findings.extend(self.twin_findings(&snapshot, current));
            findings.extend(self.reserved_settings(&mut loan, &rights, &snapshot, current).await?);
            findings.extend(self.strangers(&mut loan, &snapshot, current).await?);
            findings.extend(self.access_findings(&mut loan, &rights, current).await?);
        }
        loan.give_back();
        findings.extend(self.place_findings().await);
        Ok(findings)
    }

    async fn asked(&self, loan: &mut Loan<'_>) -> Result<(Rights, Snapshot), PortError> {
        let place = self.admin.place();
        let connection = &mut loan.rotator.connection;
        let rights = self
            .answered("see its own rights", &place, rights::ask(&mut *connection, &self.roles))
            .await?;
        let snapshot = self
            .answered("read the roles", &place, roles::snapshot(connection, &self.roles))
            .await?;
        Ok((rights, snapshot))
    }

    fn server_findings(&self, server: &Server) -> Vec<Finding> {
        let subject = format!("PostgreSQL at {}", self.admin.place());
        let mut findings = vec![Finding::fine(
            &subject,
            format!("is version {}, and Keywheel is {} there", server.version, server.user),
        )];
        if server.number < OLDEST {
            findings.push(Finding::blocker(
                &subject,
                format!("version {} is older than 13, and nobody has tried it", server.version),
                "upgrade the server: its community does not mend it any more either",
            ));
        }
        if server.is_standby {
            findings.push(Finding::blocker(
                &subject,
                "it is a standby, which takes no changes",
                "name the primary in `admin`, and this one as an `endpoint`",
            ));
        }
        if server.hashes_with_md5 && !self.config.allow_md5 {
            findings.push(Finding::blocker(
                &subject,
                "it is set to `password_encryption = md5`, which is broken",
                "ALTER SYSTEM SET password_encryption = 'scram-sha-256'; SELECT pg_reload_conf() -- once every client can do that; or write `allow_md5 = true`",
            ));
        } else if server.hashes_with_md5 {
            findings.push(Finding::warning(
                &subject,
                "new passwords are stored as MD5, because the server is set to and `allow_md5` permits it",
                "ALTER SYSTEM SET password_encryption = 'scram-sha-256'; SELECT pg_reload_conf() -- once every client can do that",
            ));
        }
        let knows = |name: &str| self.roles.all().any(|role| role.as_str() == name);
        if knows(&server.user) {
            findings.push(Finding::blocker(
                &subject,
                format!(
                    "Keywheel is {} there, whose password it would rotate: it would lock itself out",
                    server.user
                ),
                "make a role of its own for Keywheel, and name it in `admin.user`",
            ));
        }
        findings
    }

    /// That the roles are there, and are of a kind that may be changed.
    fn role_findings(&self, snapshot: &Snapshot, current: Option<&Parts>) -> Vec<Finding> {
        let owner = &self.roles.owner;
        let subject = format!("role {owner}");
        let Some(state) = snapshot.get(owner.as_str()) else {
            let fix = match self.roles.twins {
                Some(_) => format!(
                    "CREATE ROLE {} NOLOGIN -- then grant it what the application needs",
                    owner.quoted()
                ),
                None => format!(
                    "CREATE ROLE {} LOGIN -- then grant it what the application needs",
                    owner.quoted()
                ),
            };
            return vec![Finding::blocker(subject, "does not exist", fix)];
        };
        let mut findings = Vec::new();
        if state.superuser {
            findings.push(Finding::blocker(
                &subject,
                "is a superuser, and Keywheel changes none",
                format!(
                    "ALTER ROLE {} NOSUPERUSER -- and grant it what the application needs",
                    owner.quoted()
                ),
            ));
        }
        let used = current.map(|parts| parts.username.as_str()).unwrap_or(owner.as_str());
        let used = snapshot.get(used);
        if let Some(until) = used.and_then(|state| state.valid_until.as_deref()) {
            findings.push(Finding::warning(
                &subject,
                format!("its passwords are valid until {until}, new ones too"),
                format!(
                    "ALTER ROLE {} VALID UNTIL 'infinity' -- on its twins as well; Keywheel sees to their age",
                    owner.quoted()
                ),
            ));
        }
        if findings.is_empty() {
            findings.push(Finding::fine(subject, "is there"));
        }
        findings
    }

    /// The other endpoints, and how the connections are protected.
    async fn place_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for place in self.places.iter() {
            let subject = place.to_string();
            let open = !place.endpoint.is_on_this_machine();
            match place.endpoint.tls {
                Tls::Require if open => findings.push(Finding::warning(
                    &subject,
                    "the connection is encrypted, but anybody could be at the other end",
                    "write `tls = \"verify_full\"`, with the server's authority in `ca_file`",
                )),
                Tls::Disable if open => findings.push(Finding::warning(
                    &subject,
                    "the connection is in the clear",
                    "write `tls = \"verify_full\"`, with the server's authority in `ca_file`",
                )),
                Tls::VerifyFull | Tls::Require | Tls::Disable => {}
            }
            if place.kind == Kind::Replica {
                findings.push(match self.visit(place).await {
                    Ok(replica) if replica.server.is_standby => Finding::fine(&subject, "follows the primary"),
                    Ok(_) => Finding::warning(
                        &subject,
                        "is no standby: it follows nobody",
                        "remove it from `endpoint`, or write `kind = \"pooler\"` if it is another way to a server that is named already",
                    ),
                    Err(error) => Finding::blocker(
                        &subject,
                        error.chain(),
                        "mend that: a version has to be proved there before consumers get it",
                    ),
                });
            }
        }
        findings
    }
}
