//! The rotator's connections: made when they are needed, used again while there is work, closed soon after.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Clock, ErrorKind, PortError, SecretSource};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::{AdminConfig, ConfigError};
use crate::endpoint::Endpoint;
use crate::error;

/// A connection that nobody needed for so long is closed.
const IDLE: SignedDuration = SignedDuration::from_secs(10);
/// One that lived for longer goes all the same: the server's settings may have changed meanwhile.
const LIFE: SignedDuration = SignedDuration::from_mins(5);
/// One that rested for longer is asked whether it still lives, before something depends on it.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// The primary and the role that changes others there. Issuers of many credentials share one, and with it its connections.
pub struct Admin {
    config: AdminConfig,
    endpoint: Endpoint,
    password: Option<Arc<dyn SecretSource>>,
    pub(crate) clock: Arc<dyn Clock>,
    room: Semaphore,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    connections: Vec<(Rotator, SignedDuration)>,
    /// Whether a task is there that closes them.
    watched: bool,
}

/// A connection of the rotator's, and what it found at the other end.
#[derive(Debug)]
pub(crate) struct Rotator {
    pub(crate) connection: PgConnection,
    pub(crate) server: Server,
    born: SignedDuration,
}

/// What does not change while a connection lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// `150018` for 15.18.
    pub(crate) number: i32,
    /// For people: `15.18`.
    pub(crate) version: String,
    pub(crate) hashes_with_md5: bool,
    pub(crate) is_standby: bool,
    /// The role that Keywheel is there.
    pub(crate) user: String,
}

/// A connection on loan. Unless it is given back it is closed: nobody knows what state an error left it in.
pub(crate) struct Loan<'a> {
    admin: &'a Arc<Admin>,
    pub(crate) rotator: Rotator,
    /// Whether it rested before: the server may have ended it meanwhile.
    rested: bool,
    _permit: SemaphorePermit<'a>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect: SignedDuration,
    pub(crate) statement: SignedDuration,
}

impl Admin {
    /// The rotator as configured. `password` is asked each time that a connection is made; without one the server has to know
    /// Keywheel in another way, such as by the socket's peer.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn new(
        config: &AdminConfig,
        password: Option<Arc<dyn SecretSource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, ConfigError> {
        config.check()?;
        Ok(Arc::new(Self {
            config: config.clone(),
            endpoint: Endpoint::of_admin(config),
            password,
            clock,
            room: Semaphore::new(config.max_connections as usize),
            resting: Mutex::default(),
        }))
    }

    /// Whether it was made from that section.
    pub(crate) fn is_for(&self, config: &AdminConfig) -> bool {
        self.config == *config
    }

    /// A connection to the primary. Whoever waits for one waits for others of ours, each of which has its time limits.
    pub(crate) async fn lend(self: &Arc<Self>, limits: Limits) -> Result<Loan<'_>, PortError> {
        let permit = self.room.acquire().await.expect("nobody closes the room");
        while let Some((rotator, since)) = self.rested() {
            if let Some(rotator) = self.alive(rotator, since, limits).await {
                return Ok(Loan {
                    admin: self,
                    rotator,
                    rested: true,
                    _permit: permit,
                });
            }
        }
        let rotator = self.visit(&self.endpoint, limits).await?;
        Ok(Loan {
            admin: self,
            rotator,
            rested: false,
            _permit: permit,
        })
    }

    /// A connection of the same role to any endpoint, which is closed with its value.
    pub(crate) async fn visit(&self, endpoint: &Endpoint, limits: Limits) -> Result<Rotator, PortError> {
        let place = endpoint.to_string();
        let password = match &self.password {
            Some(source) => Some(source.read().await?),
            None => None,
        };
        let options = endpoint.options(&self.config.user, text(password.as_ref())?);
        let options = session_options(options, limits);
        self.within("connect", limits.connect, async {
            let refused = |error| error::connecting(&self.config.user, &place, error);
            let mut connection = options.connect().await.map_err(refused)?;
            let server = greet(&mut connection).await;
            let server = server.map_err(|error| error::statement("greet the server", &place, error))?;
            let born = self.clock.monotonic();
            Ok(Rotator {
                connection,
                server,
                born,
            })
        })
        .await
        .map_err(|error| at(error, &place, &self.place()))
    }

    /// The work, or an error when the time is up.
    pub(crate) async fn within<T>(
        &self,
        doing: &str,
        limit: SignedDuration,
        work: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.clock.sleep(limit) => Err(error::timed_out(doing, &self.place(), limit)),
        }
    }

    /// The primary's address, for people.
    pub(crate) fn place(&self) -> String {
        self.endpoint.to_string()
    }

    /// The connection, if it is still one.
    async fn alive(&self, mut rotator: Rotator, since: SignedDuration, limits: Limits) -> Option<Rotator> {
        if self.clock.monotonic() - since < FRESH {
            return Some(rotator);
        }
        let ping = async { Ok(rotator.connection.ping().await.is_ok()) };
        let alive = self.within("ping", limits.connect, ping).await.unwrap_or(false);
        alive.then_some(rotator)
    }

    fn rested(&self) -> Option<(Rotator, SignedDuration)> {
        self.lock().connections.pop()
    }

    fn rest(self: &Arc<Self>, rotator: Rotator) {
        let now = self.clock.monotonic();
        if now - rotator.born > LIFE {
            return;
        }
        let mut resting = self.lock();
        resting.connections.push((rotator, now));
        if !resting.watched {
            resting.watched = true;
            drop(tokio::spawn(Self::close_those_that_rest(Arc::clone(self))));
        }
    }

    /// Closes what nobody needs, and ends when nothing is left.
    async fn close_those_that_rest(self: Arc<Self>) {
        loop {
            self.clock.sleep(IDLE).await;
            let now = self.clock.monotonic();
            let (tired, done) = {
                let mut resting = self.lock();
                let all = std::mem::take(&mut resting.connections);
                let (fresh, tired): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, since)| now - *since < IDLE);
                resting.connections = fresh;
                resting.watched = !resting.connections.is_empty();
                (tired, !resting.watched)
            };
            for (rotator, _) in tired {
                drop(rotator.connection.close().await);
            }
            if done {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan<'_> {
    /// Takes the connection back for others, when what was done with it came to its end.
    pub(crate) fn give_back(self) {
        self.admin.rest(self.rotator);
    }

    /// Whether a first statement failed only because the connection had ended while it rested; another one may do. Those that rest
    /// beside it most likely ended with it, so they go, too.
    pub(crate) fn was_stale(&self, error: &PortError) -> bool {
        let stale = self.rested && error.kind == ErrorKind::Unavailable;
        if stale {
            self.admin.lock().connections.clear();
        }
        stale
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("config", &self.config)
            .field("password", &self.password)
            .finish_non_exhaustive()
    }
}

fn text(password: Option<&Secret>) -> Result<Option<&str>, PortError> {
    let Some(secret) = password else {
        return Ok(None);
    };
    let text = secret.expose_text().filter(|text| !text.contains('\0'));
    let message = "the rotator's password is not text; see its file";
    let text = text.ok_or_else(|| PortError::permanent(ErrorKind::Invalid, message))?;
    // A file ends with a line break that is no part of the password.
    Ok(Some(text.trim_end_matches(['\r', '\n'])))
}

/// Time limits on the side of the server, too, so that nothing goes on there that nobody waits for; and no schema but the
/// system's, so that no function of somebody else's is called with the rotator's rights.
fn session_options(options: PgConnectOptions, limits: Limits) -> PgConnectOptions {
    let statement = format!("{}ms", limits.statement.as_millis().max(1));
    options.options([
        ("statement_timeout", statement.as_str()),
        ("lock_timeout", statement.as_str()),
        ("idle_in_transaction_session_timeout", statement.as_str()),
        ("search_path", "pg_catalog"),
    ])
}

/// Learns who is at the other end. A server that may forget what it confirmed is told not to, for this session.
async fn greet(connection: &mut PgConnection) -> Result<Server, sqlx::Error> {
    let question = "SELECT current_setting('server_version_num'), current_setting('server_version'), \
         current_setting('password_encryption'), pg_is_in_recovery()::text, session_user::text, \
         CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END";
    let row = sqlx::raw_sql(AssertSqlSafe(question)).fetch_one(connection).await?;
    let text = |index: usize| row.try_get::<String, _>(index);
    let number = text(0)?;
    Ok(Server {
        number: number
            .parse()
            .map_err(|_| sqlx::Error::Protocol(format!("no version: {number}")))?,
        version: text(1)?.split(' ').next().unwrap_or_default().to_owned(),
        hashes_with_md5: text(2)? == "md5",
        is_standby: text(3)? == "true",
        user: text(4)?,
    })
}

/// A time limit names the primary; elsewhere it is about another server.
fn at(error: PortError, place: &str, primary: &str) -> PortError {
    if error.kind == ErrorKind::TimedOut && place != primary {
        return PortError::transient(ErrorKind::TimedOut, error.message().replace(primary, place));
    }
    error
}
