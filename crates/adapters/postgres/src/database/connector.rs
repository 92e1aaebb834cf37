//! How connections are made, and what is set for each.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError, Retry, SecretSource};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, FromRow};

use super::limit::{pause, within};
use super::rights;
use crate::config::{DatabaseConfig, Tls};
use crate::error;

/// How much longer a read may take than a write: the whole inventory may be read at once.
const READS_TAKE: i32 = 10;

/// The first and the longest pause between two tries to reach a server that is starting.
const PAUSES: [SignedDuration; 2] = [SignedDuration::from_millis(20), SignedDuration::from_millis(500)];

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
    /// Making the tables, which may wait for another process that makes them.
    Schema,
}

/// Makes connections.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) config: DatabaseConfig,
    pub(crate) place: String,
    password: Option<Arc<dyn SecretSource>>,
}

impl Connector {
    pub(crate) fn new(config: &DatabaseConfig, password: Option<Arc<dyn SecretSource>>) -> Result<Self, PortError> {
        config.check()?;
        Ok(Self {
            config: config.clone(),
            place: config.place(),
            password,
        })
    }

    /// A new connection, or why there is none now.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<PgConnection, PortError> {
        let limit = self.config.connect_timeout;
        let connected = within(limit, self.attempt(purpose)).await;
        connected.unwrap_or_else(|| Err(error::timed_out("connect", &self.place, limit)))
    }

    /// A new connection. A server that cannot be reached may be starting again and is waited for, as long as a connection may take.
    pub(crate) async fn connect_patiently(&self, purpose: Purpose) -> Result<PgConnection, PortError> {
        let limit = self.config.connect_timeout;
        let mut last = None;
        let trying = async {
            let [mut rest, longest] = PAUSES;
            loop {
                match self.attempt(purpose).await {
                    Err(error) if error.kind == ErrorKind::Unavailable && error.retry != Retry::Never => {
                        last = Some(error)
                    }
                    done => return done,
                }
                pause(rest).await;
                rest = (rest * 2).min(longest);
            }
        };
        match within(limit, trying).await {
            Some(done) => done,
            None => Err(last.unwrap_or_else(|| error::timed_out("connect", &self.place, limit))),
        }
    }

    async fn attempt(&self, purpose: Purpose) -> Result<PgConnection, PortError> {
        let failed = |error| error::connecting(&self.config.user, &self.place, error);
        let options = self.options(purpose).await?;
        let mut connection = options.connect().await.map_err(failed)?;
        // In one trip. What stands between may take the settings for its own.
        let settings = "SELECT current_setting('search_path'), current_setting('synchronous_commit')";
        let row = sqlx::raw_sql(settings)
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        let set: (String, String) = FromRow::from_row(&row).map_err(failed)?;
        if set.0 == self.config.schema && set.1 == "on" {
            return Ok(connection);
        }
        let message = format!(
            "what answers at {} ignores how Keywheel sets its sessions, as a pooler may; name the server itself",
            self.place
        );
        Err(PortError::permanent(ErrorKind::Unsupported, message))
    }

    /// The password is read anew each time, so that it can be rotated under a running process.
    async fn options(&self, purpose: Purpose) -> Result<PgConnectOptions, PortError> {
        let config = &self.config;
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&config.host)
            .port(config.port)
            .database(&config.database)
            .username(&config.user)
            .application_name("keywheel journal")
            .ssl_mode(match config.tls {
                Tls::VerifyFull => PgSslMode::VerifyFull,
                Tls::Require => PgSslMode::Require,
                Tls::Disable => PgSslMode::Disable,
            })
            .options(self.session(purpose));
        if let Some(file) = &config.ca_file {
            options = options.ssl_root_cert(file);
        }
        options = match &self.password {
            None => options.password(""),
            Some(source) => {
                let secret = source.read().await.map_err(no_password)?;
                let text = secret.expose_text().ok_or_else(|| self.no_text())?;
                options.password(text)
            }
        };
        Ok(options.disable_statement_logging())
    }

    fn no_text(&self) -> PortError {
        let message = format!(
            "the password of {} at {} is not UTF-8; set another one",
            self.config.user, self.place
        );
        PortError::permanent(ErrorKind::Invalid, message)
    }

    /// What has to hold for the session, whatever the server, the database or the role say.
    fn session(&self, purpose: Purpose) -> Vec<(&'static str, String)> {
        let answer = self.answer_within(purpose);
        // The server gives up first, because then it is known that there was no effect.
        let milliseconds = |time: SignedDuration| time.as_millis().max(1).to_string();
        let mut settings = vec![
            ("search_path", self.config.schema.clone()),
            ("synchronous_commit", "on".to_owned()),
            ("default_transaction_isolation", "read committed".to_owned()),
            ("default_transaction_read_only", "off".to_owned()),
            ("statement_timeout", milliseconds(answer * 3 / 4)),
            ("lock_timeout", milliseconds(answer / 2)),
            // A process that was stopped in the middle must not hold the others up for longer.
            ("idle_in_transaction_session_timeout", milliseconds(answer)),
            ("jit", "off".to_owned()),
            ("client_min_messages", "warning".to_owned()),
        ];
        if purpose == Purpose::Write {
            // Every write finds its rows by an index. With statistics of a time when the tables were small the planner would scan
            // them, and remember that plan.
            for ways in [
                "enable_seqscan",
                "enable_bitmapscan",
                "enable_hashjoin",
                "enable_mergejoin",
            ] {
                settings.push((ways, "off".to_owned()));
            }
        }
        settings
    }

    /// How long such a connection may be silent.
    pub(crate) fn answer_within(&self, purpose: Purpose) -> SignedDuration {
        match purpose {
            Purpose::Write => self.config.statement_timeout,
            Purpose::Read | Purpose::Schema => self.config.statement_timeout * READS_TAKE,
        }
    }

    /// What a statement that failed means, with its effect.
    pub(crate) fn failed(&self, doing: &str, error: sqlx::Error) -> PortError {
        if error::sqlstate(&error).as_deref() == Some("42501") {
            return rights::missing(&self.config, doing, &rights::all()).caused_by(error);
        }
        error::commit(doing, &self.place, error)
    }

    /// That nothing was asked, because all that could be asked are still asked something else.
    pub(crate) fn busy(&self, doing: &str) -> PortError {
        error::statement(doing, &self.place, sqlx::Error::PoolTimedOut)
    }

    /// What silence means.
    pub(crate) fn silent(&self, doing: &str, purpose: Purpose) -> PortError {
        error::timed_out(doing, &self.place, self.answer_within(purpose)).with_unknown_effect()
    }
}

/// That there is no password must not look as if there were no journal.
fn no_password(mut error: PortError) -> PortError {
    if error.kind == ErrorKind::NotFound {
        error.kind = ErrorKind::Invalid;
    }
    error
}
