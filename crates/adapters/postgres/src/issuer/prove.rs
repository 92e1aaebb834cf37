//! Logging in: to show that a version works, and that one does not any more.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{ErrorKind, PortError, VersionMaterial};
use sqlx::Row;

use super::PostgresIssuer;
use super::material::Parts;
use super::place::{Kind, Place};
use crate::connect::Rotator;
use crate::error;
use crate::login::{self, Asked, Failure, Login, Rejection, Session};

/// Asked of a replica again and again; it costs the replica next to nothing.
const PAUSE: SignedDuration = SignedDuration::from_millis(50);

/// Who one is after the login, and when that was by the server's clock.
const WHO: &str = "SELECT current_user, now()";

/// What became of a login that had to be refused.
enum Verdict {
    Dead(String),
    /// The server took the password.
    Alive(String),
}

impl PostgresIssuer {
    /// Logs in at every place and does what a consumer does there.
    pub(super) async fn log_in_everywhere(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let parts = self.parts(&version.material)?;
        let tried = join_all(self.places.iter().map(|place| self.log_in(place, &parts))).await;
        let facts = tried.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Evidence::new(
            EvidenceKind::Accepted,
            version.id.to_string(),
            facts.join("; "),
        ))
    }

    /// Logs in at every place and has to be refused there. That one still accepts it is certain, whatever another one would say.
    pub(super) async fn be_refused_everywhere(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let parts = self.parts(&version.material)?;
        let tried = join_all(self.places.iter().map(|place| self.be_refused(place, &parts))).await;
        let (mut dead, mut alive, mut unknown) = (Vec::new(), Vec::new(), None);
        for verdict in tried {
            match verdict {
                Ok(Verdict::Dead(fact)) => dead.push(fact),
                Ok(Verdict::Alive(fact)) => alive.push(fact),
                Err(error) => unknown = unknown.or(Some(error)),
            }
        }
        if !alive.is_empty() {
            let message = format!("{} is still accepted: {}", version.id, alive.join("; "));
            return Err(PortError::transient(ErrorKind::Conflict, message));
        }
        let at: Timestamp = self.admin.clock.now();
        let fact = || format!("{} (at {at:.0})", dead.join("; "));
        unknown.map_or_else(
            || Ok(Evidence::new(EvidenceKind::Refused, version.id.to_string(), fact())),
            Err,
        )
    }

    /// Whether the primary takes the version's password for its role, be the role allowed to log in or not.
    pub(super) async fn is_accepted(&self, parts: &Parts) -> Result<bool, PortError> {
        let place = self.places.first().expect("the primary is always the first");
        match self.knock(place, parts).await {
            Ok(session) => {
                self.leave(session).await;
                Ok(true)
            }
            Err(Failure::Rejected(rejection)) if rejection.is_of_the_role() => Ok(rejection.authenticated),
            Err(Failure::Rejected(rejection)) if rejection.is_past_the_password() => Ok(true),
            Err(Failure::Rejected(rejection)) if rejection.is_refusal() => Ok(false),
            Err(failure) => Err(self.failed(place, parts, failure)),
        }
    }

    async fn log_in(&self, place: &Place, parts: &Parts) -> Result<String, PortError> {
        let session = match self.knock(place, parts).await {
            Err(Failure::Rejected(rejection)) if place.kind == Kind::Replica && rejection.is_refusal() => {
                // The password may not have arrived there yet. A refusal counts once it must have.
                self.wait_for(place).await?;
                self.knock(place, parts).await
            }
            knocked => knocked,
        };
        let mut session = session.map_err(|failure| self.failed(place, parts, failure))?;
        let asked = login::within(&*self.admin.clock, self.config.statement_timeout, async {
            Ok(session.ask(WHO, &self.config.check).await)
        });
        let answer = match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Asked::Question(failure))) | Err(failure) => return Err(self.failed(place, parts, failure)),
            Ok(Err(Asked::Check(failure))) => return Err(self.check_failed(place, parts, failure)),
        };
        let fact = self.proof(place, parts, &session, &answer)?;
        self.leave(session).await;
        Ok(fact)
    }

    fn proof(&self, place: &Place, parts: &Parts, session: &Session, answer: &[String]) -> Result<String, PortError> {
        let [user, at] = answer else {
            let message = format!("{place} does not say who is logged in; is it PostgreSQL?");
            return Err(PortError::permanent(ErrorKind::Invalid, message));
        };
        let (name, owner) = (&parts.username, &self.roles.owner);
        if self.roles.twins.is_some() && user != owner.as_str() {
            let message = format!(
                "{name} logged in at {place}, but acts as {user} there and not as {owner}; see `ALTER ROLE {} SET role`, and whether it is a member of {owner}",
                name.quoted()
            );
            return Err(PortError::permanent(ErrorKind::Conflict, message));
        }
        Ok(format!(
            "{name} logged in at {place} (PostgreSQL {}) by {}, acts as {user}, and the check passed at {at}",
            session.version(),
            session.method()
        ))
    }

    async fn be_refused(&self, place: &Place, parts: &Parts) -> Result<Verdict, PortError> {
        if place.kind == Kind::Replica {
            // What it says before it has what the primary has says nothing.
            self.wait_for(place).await?;
        }
        let alive = |why: &str| Ok(Verdict::Alive(format!("{place} {why}")));
        match self.knock(place, parts).await {
            Ok(session) => {
                self.leave(session).await;
                alive("let it in")
            }
            Err(Failure::Unasked) => {
                alive("lets everybody in without asking for a password; see `trust` in pg_hba.conf")
            }
            Err(Failure::Rejected(rejection)) if rejection.is_refusal() => Ok(Verdict::Dead(format!(
                "{place} refused {} with {rejection}",
                parts.username
            ))),
            Err(Failure::Rejected(rejection)) if rejection.is_past_the_password() => {
                alive(&format!("took the password, and then said {rejection}"))
            }
            Err(failure) => Err(self.failed(place, parts, failure)),
        }
    }

    async fn knock(&self, place: &Place, parts: &Parts) -> Result<Session, Failure> {
        let login = Login {
            endpoint: &place.endpoint,
            user: parts.username.as_str(),
            password: parts.password(),
            allow_md5: self.config.allow_md5,
            limit: self.config.connect_timeout,
        };
        let opened = login.open(&*self.admin.clock).await;
        opened.map_err(|failure| match failure {
            Failure::Rejected(rejection) if place.kind == Kind::Pooler => Failure::Rejected(rejection.of_pooler()),
            failure => failure,
        })
    }

    /// Says goodbye, and waits until the session has gone: nobody is to take it for a consumer's.
    async fn leave(&self, session: Session) {
        let goodbye = async {
            session.close().await;
            Ok(())
        };
        // One that does not go is the server's to end.
        drop(login::within(&*self.admin.clock, self.config.connect_timeout, goodbye).await);
    }

    /// Waits until a replica has what the primary has now.
    async fn wait_for(&self, place: &Place) -> Result<(), PortError> {
        let doing = "see how far the primary is";
        let mut loan = self.admin.lend(self.limits()).await?;
        let question = "SELECT pg_current_wal_lsn()::text";
        let position: String = self
            .answered(doing, &self.admin.place(), async {
                sqlx::query_scalar(question)
                    .fetch_one(&mut loan.rotator.connection)
                    .await
            })
            .await?;
        loan.give_back();
        let mut replica = self.visit(place).await?;
        let begun = self.admin.clock.monotonic();
        while !self.has_reached(place, &mut replica, &position).await? {
            if self.admin.clock.monotonic() - begun >= self.config.replica_wait {
                let message = format!(
                    "{place} has not got yet what the primary has (up to {position}); see whether replication is held up"
                );
                return Err(PortError::transient(ErrorKind::Unavailable, message));
            }
            self.admin.clock.sleep(PAUSE).await;
        }
        Ok(())
    }

    /// The rotator's own connection to a replica.
    pub(super) async fn visit(&self, place: &Place) -> Result<Rotator, PortError> {
        let endpoint = place.endpoint.with_database(&self.config.admin.database);
        self.admin.visit(&endpoint, self.limits()).await
    }

    /// A replica that was promoted follows nobody, and has whatever it has.
    async fn has_reached(&self, place: &Place, replica: &mut Rotator, position: &str) -> Result<bool, PortError> {
        let question =
            "SELECT NOT pg_is_in_recovery() OR coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)";
        let connection = &mut replica.connection;
        let asked = async move {
            let row = sqlx::query(question).bind(position).fetch_one(connection).await?;
            row.try_get(0)
        };
        self.answered("see how far it is", &place.to_string(), asked).await
    }

    /// An answer to a question that changes nothing, in time.
    pub(super) async fn answered<T>(
        &self,
        doing: &str,
        place: &str,
        question: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, PortError> {
        tokio::select! {
            biased;
            answer = question => answer.map_err(|failed| error::statement(doing, place, failed)),
            () = self.admin.clock.sleep(self.config.statement_timeout) => {
                Err(error::timed_out(doing, place, self.config.statement_timeout))
            }
        }
    }

    fn failed(&self, place: &Place, parts: &Parts, failure: Failure) -> PortError {
        error::login(&format!("{} cannot log in at {place}", parts.username), failure)
    }

    /// The login worked, so this is no refusal of the version, whatever the code.
    fn check_failed(&self, place: &Place, parts: &Parts, failure: Failure) -> PortError {
        let context = format!("{} logged in at {place}, and then the check failed", parts.username);
        match failure {
            Failure::Rejected(Rejection { code, message, .. }) => {
                let mut error = error::said(&context, &code, &message);
                if error.kind == ErrorKind::Refused {
                    error.kind = ErrorKind::Forbidden;
                }
                error
            }
            other => error::login(&context, other),
        }
    }
}
