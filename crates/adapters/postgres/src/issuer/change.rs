//! Changing roles: each change is one transaction, in which everything that it rests on was read.

use jiff::SignedDuration;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{Effect, ErrorKind, PortError, VersionMaterial};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::decide::{Case, Decision, Deed, refusal};
use super::material::{self, Parts};
use super::{PostgresIssuer, roles, statements};
use crate::connect::{Loan, Rotator, Server};
use crate::{error, scram};

/// Somebody who does not take our lock, such as a person, changed the role at the same moment. It takes them a moment.
const ATTEMPTS: u32 = 8;
const PAUSE: SignedDuration = SignedDuration::from_millis(20);

/// A change of a version's role.
struct Change<'a> {
    version: &'a VersionMaterial,
    parts: &'a Parts,
    work: Work,
}

enum Work {
    /// Have a twin accept it beside the other one.
    Accept(Salt),
    /// Exchange the password of the one role.
    Exchange(Salt),
    /// Suspend, reinstate or retire it; and whether the server took its password just now, where that was tried.
    End(Deed, Option<bool>),
}

/// What came of a change.
struct Outcome {
    /// For people.
    told: String,
    holder: Known,
}

/// Whose role it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Ours,
    NotOurs,
    /// It has to be known first whether the version's password is accepted.
    NotYet,
}

impl Outcome {
    fn ours(told: String) -> Self {
        Self {
            told,
            holder: Known::Ours,
        }
    }
}

/// Why an attempt came to nothing.
enum Setback {
    /// The same may succeed in a moment.
    Passing(PortError),
    Failed(PortError),
}

impl From<PortError> for Setback {
    fn from(error: PortError) -> Self {
        Self::Failed(error)
    }
}

/// A first statement that failed with a connection that rested may succeed with another one.
fn unless_stale(loan: &Loan<'_>, setback: Setback) -> Setback {
    match setback {
        Setback::Failed(error) if loan.was_stale(&error) => Setback::Passing(error),
        setback => setback,
    }
}

impl PostgresIssuer {
    /// Has a twin accept the version.
    pub(super) async fn accept(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let parts = &self.parts(&version.material)?;
        let work = Work::Accept(self.salt(parts)?);
        let outcome = self.make(Change { version, parts, work }).await?;
        Ok(self.changed(version, outcome.told))
    }

    /// Exchanges the password of the one role, in one round trip.
    pub(super) async fn exchange(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let parts = &self.parts(&version.material)?;
        let work = Work::Exchange(self.salt(parts)?);
        let outcome = self.make(Change { version, parts, work }).await?;
        Ok(self.changed(version, outcome.told))
    }

    /// Suspends, reinstates or retires the version, and ends its sessions where the configuration says so.
    pub(super) async fn end(&self, version: &VersionMaterial, deed: Deed) -> Result<Evidence, PortError> {
        let parts = &self.parts(&version.material)?;
        let mut work = Work::End(deed, None);
        let mut outcome = self.make(Change { version, parts, work }).await?;
        if outcome.holder == Known::NotYet {
            work = Work::End(deed, Some(self.is_accepted(parts).await?));
            outcome = self.make(Change { version, parts, work }).await?;
        }
        let ends_sessions = self.config.terminate_sessions && self.roles.twins.is_some() && deed != Deed::Reinstate;
        // Of a twin that has another version's password by now the sessions may be that one's.
        if ends_sessions && outcome.holder == Known::Ours {
            outcome.told.push_str(&self.end_sessions(&parts.username).await?);
        }
        Ok(self.changed(version, outcome.told))
    }

    /// Makes the change, again where somebody else was in the way for a moment.
    async fn make(&self, change: Change<'_>) -> Result<Outcome, PortError> {
        let mut left = ATTEMPTS;
        let mut unknown = false;
        loop {
            left -= 1;
            let attempt = match &change.work {
                Work::Accept(salt) => self.try_to_accept(change.version, change.parts, salt).await,
                Work::Exchange(salt) => self.try_to_exchange(change.parts, salt).await,
                Work::End(deed, accepted) => self.try_to_end(&change, *deed, *accepted).await,
            };
            let (error, again) = match attempt {
                Ok(done) => return Ok(done),
                Err(Setback::Failed(error)) => (error, false),
                Err(Setback::Passing(error)) => (error, true),
            };
            // What an earlier attempt may have done stays unknown, whatever became of the later ones.
            unknown |= error.effect == Effect::Unknown;
            if !again || left == 0 {
                return Err(if unknown { error.with_unknown_effect() } else { error });
            }
            self.admin.clock.sleep(PAUSE).await;
        }
    }

    async fn try_to_end(&self, change: &Change<'_>, deed: Deed, accepted: Option<bool>) -> Result<Outcome, Setback> {
        let mut loan = self.begin().await?;
        let snapshot = self.read(&mut loan.rotator.connection).await?;
        let case = Case {
            roles: &self.roles,
            snapshot: &snapshot,
            id: &change.version.id,
            name: &change.parts.username,
            accepted,
        };
        let (run, told, holder) = match case.end(deed)? {
            Decision::Run(run, told) => (run, told, Known::Ours),
            Decision::Already(told) => (Vec::new(), told, Known::Ours),
            Decision::Nothing(told) => (Vec::new(), told, Known::NotOurs),
            Decision::TryFirst => (Vec::new(), String::new(), Known::NotYet),
        };
        self.run(&mut loan.rotator.connection, &run).await?;
        self.commit(loan).await?;
        Ok(Outcome { told, holder })
    }

    async fn try_to_accept(&self, version: &VersionMaterial, parts: &Parts, salt: &Salt) -> Result<Outcome, Setback> {
        let mut loan = self.begin().await?;
        let Rotator { connection, server, .. } = &mut loan.rotator;
        let secret = self.secret(parts, salt, server)?;
        let snapshot = self.read(connection).await?;
        let mut case = Case {
            roles: &self.roles,
            snapshot: &snapshot,
            id: &version.id,
            name: &parts.username,
            accepted: None,
        };
        let run = case.stage(&secret, server.number)?;
        let made = if snapshot.contains_key(parts.username.as_str()) {
            "may log in"
        } else {
            "was made and may log in"
        };
        self.run(connection, &run).await?;
        // Looked at as it is now, so that a twin that was just made is compared, too. Without a commit nothing of it stays.
        let after = self.read(connection).await?;
        case.snapshot = &after;
        if let Some(refused) = refusal(&case.differences()) {
            return Err(refused.into());
        }
        self.commit(loan).await?;
        Ok(Outcome::ours(format!(
            "{} {made}, and acts as {}",
            parts.username, self.roles.owner
        )))
    }

    async fn try_to_exchange(&self, parts: &Parts, salt: &Salt) -> Result<Outcome, Setback> {
        let mut loan = self.admin.lend(self.limits()).await?;
        let server = &loan.rotator.server;
        let secret = self.secret(parts, salt, server)?;
        // Sent together, they are one transaction.
        let (lock, exchange) = (
            statements::lock(&self.roles.owner),
            statements::exchange(&parts.username, &secret),
        );
        let run = format!("{lock}; {exchange}");
        let sent = self.send(&mut loan.rotator.connection, "change the role", &run, true);
        let sent = sent.await;
        // The same password again is the same, so that an exchange may be repeated, too.
        sent.map_err(|setback| unless_stale(&loan, setback))?;
        loan.give_back();
        Ok(Outcome::ours(format!(
            "{} has the new password, and no other",
            parts.username
        )))
    }

    /// Begins a transaction that nobody else of our kind works beside.
    async fn begin(&self) -> Result<Loan<'_>, Setback> {
        let mut loan = self.admin.lend(self.limits()).await?;
        if loan.rotator.server.is_standby {
            return Err(self.standby().into());
        }
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {}",
            statements::lock(&self.roles.owner)
        );
        let begun = self.send(&mut loan.rotator.connection, "begin a change of roles", &begin, false);
        let begun = begun.await;
        begun.map_err(|setback| unless_stale(&loan, setback))?;
        Ok(loan)
    }

    async fn read(&self, connection: &mut PgConnection) -> Result<roles::Snapshot, PortError> {
        let doing = "read the roles";
        self.admin
            .within(doing, self.config.statement_timeout, async {
                let read = roles::snapshot(connection, &self.roles).await;
                read.map_err(|error| error::statement(doing, &self.admin.place(), error))
            })
            .await
    }

    async fn run(&self, connection: &mut PgConnection, run: &[String]) -> Result<(), Setback> {
        match run.is_empty() {
            true => Ok(()),
            false => self.send(connection, "change the role", &run.join("; "), false).await,
        }
    }

    /// A lost answer leaves the effect unknown.
    async fn commit(&self, mut loan: Loan<'_>) -> Result<(), Setback> {
        self.send(
            &mut loan.rotator.connection,
            "commit the change of roles",
            "COMMIT",
            true,
        )
        .await?;
        loan.give_back();
        Ok(())
    }

    async fn send(&self, connection: &mut PgConnection, doing: &str, sql: &str, commits: bool) -> Result<(), Setback> {
        let place = self.admin.place();
        let limit = self.config.statement_timeout;
        let sent = async {
            let failed = match connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
                Ok(_) => return Ok(Ok(())),
                Err(failed) => failed,
            };
            let again = error::is_concurrent_update(&failed);
            let failed = match commits {
                true => error::commit(doing, &place, failed),
                false => error::statement(doing, &place, failed),
            };
            Ok(Err(if again {
                Setback::Passing(failed)
            } else {
                Setback::Failed(failed)
            }))
        };
        match self.admin.within(doing, limit, sent).await {
            Ok(sent) => sent,
            Err(late) if commits => Err(late.with_unknown_effect().into()),
            Err(late) => Err(late.into()),
        }
    }

    /// What the server is to store: never the password.
    fn secret(&self, parts: &Parts, salt: &Salt, server: &Server) -> Result<String, PortError> {
        if server.is_standby {
            return Err(self.standby());
        }
        if !server.hashes_with_md5 {
            let verifier = scram::verifier(parts.password(), salt, self.config.iterations);
            return verifier.ok_or_else(|| {
                let message =
                    "the verifier that was computed has not the form that PostgreSQL takes for one; please report it";
                PortError::permanent(ErrorKind::Internal, message)
            });
        }
        if !self.config.allow_md5 {
            let message = format!(
                "{} is set to `password_encryption = md5`, which is broken; set it to `scram-sha-256`, after you saw that every client can do that, or write `allow_md5 = true`",
                self.admin.place()
            );
            return Err(PortError::permanent(ErrorKind::Unsupported, message));
        }
        let name = parts.username.as_str();
        Ok(postgres_protocol::password::md5(parts.password().as_bytes(), name))
    }

    fn salt(&self, parts: &Parts) -> Result<Salt, PortError> {
        parts.salt.map_or_else(|| material::new_salt(self.entropy.as_ref()), Ok)
    }

    fn standby(&self) -> PortError {
        let message = format!(
            "{} is a standby, which takes no changes; name the primary in `admin`, or see whether it failed over",
            self.admin.place()
        );
        PortError::transient(ErrorKind::Unavailable, message)
    }

    fn changed(&self, version: &VersionMaterial, told: String) -> Evidence {
        let detail = format!("{told} (at {})", self.admin.place());
        Evidence::new(EvidenceKind::Changed, version.id.to_string(), detail)
    }
}

type Salt = [u8; scram::SALT_LENGTH];
