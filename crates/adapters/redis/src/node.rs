//! One node: the connection that everybody shares, and the ones that logins are tried on.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fred::types::Value;
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::acl::User;
use crate::ask::{Ask, expect_list, expect_pairs, expect_text, field, text};
use crate::clients::{self, Client};
use crate::config::Address;
use crate::connection::{Connection, Login, Target};
use crate::error::Failure;
use crate::fleet::Access;
use crate::links::Own;
use crate::persist::Kept;
use crate::preflight::Facts;
use crate::together::Together;

/// How many logins are tried at once. Their connections are kept while nobody needs them.
const LOGINS: usize = 8;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// It holds data.
    Data,
    /// It watches those who do.
    Sentinel,
}

/// Who is connected, and what the server's clock showed just before it said so.
#[derive(Debug, Clone)]
pub(crate) struct Connected {
    pub(crate) clients: Vec<Client>,
    pub(crate) at: Timestamp,
}

/// A node, with the connections to it that are open.
pub(crate) struct Node {
    pub(crate) address: Address,
    pub(crate) kind: Kind,
    access: Arc<Access>,
    admin: Mutex<Option<Arc<Connection>>>,
    opening: Together<Result<Arc<Connection>, Failure>>,
    logins: Semaphore,
    spare: Mutex<Vec<Connection>>,
    /// The server's numbers of our connections. None is given twice while a server runs.
    own: Mutex<BTreeSet<i64>>,
    pub(crate) saving: Together<Result<Kept, Failure>>,
    pub(crate) rewriting: Together<Result<Kept, Failure>>,
    listing: Together<Result<Arc<Connected>, Failure>>,
    pub(crate) presenting: Together<Result<Option<Own>, Failure>>,
    /// The hash of what a Sentinel was last told to present to the nodes that it watches; it does not tell.
    pub(crate) told: Mutex<Option<String>>,
    pub(crate) examining: Together<Result<Arc<Facts>, Failure>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.address)
    }
}

impl Node {
    pub(crate) fn new(address: Address, kind: Kind, access: Arc<Access>) -> Self {
        Self {
            address,
            kind,
            access,
            admin: Mutex::default(),
            opening: Together::default(),
            logins: Semaphore::new(LOGINS),
            spare: Mutex::default(),
            own: Mutex::default(),
            saving: Together::default(),
            rewriting: Together::default(),
            listing: Together::default(),
            presenting: Together::default(),
            told: Mutex::default(),
            examining: Together::default(),
        }
    }

    /// Asks for a change, as the administrator. It is sent once.
    pub(crate) async fn call(&self, ask: Ask) -> Result<Value, Failure> {
        let connection = self.admin().await?;
        let answered = connection.call(ask).await;
        if answered.as_ref().is_err_and(Failure::ends_connection) {
            self.forget(&connection);
        }
        answered
    }

    /// Asks a question that changes nothing, as the administrator. Where the connection ends meanwhile, it is asked once more.
    pub(crate) async fn look(&self, ask: impl Fn() -> Ask + Send + Sync) -> Result<Value, Failure> {
        match self.call(ask()).await {
            Err(Failure::Lost(_)) => self.call(ask()).await,
            answered => answered,
        }
    }

    /// The user of that name.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<User>, Failure> {
        User::read(self.look(|| Ask::new("ACL GETUSER").word(name)).await?)
    }

    /// The value of a setting, empty where it is not set or there is no such setting.
    pub(crate) async fn setting(&self, name: &'static str) -> Result<String, Failure> {
        let answer = self.look(|| Ask::new("CONFIG GET").word(name)).await?;
        let pairs = expect_pairs(answer, "CONFIG GET")?;
        Ok(pairs.first().and_then(|(_, value)| text(value)).unwrap_or_default())
    }

    pub(crate) async fn info(&self, section: &'static str) -> Result<String, Failure> {
        let answer = self.look(|| Ask::new("INFO").word(section)).await?;
        expect_text(&answer, "INFO")
    }

    /// Who is connected at a moment after this call, but for ourselves.
    pub(crate) async fn connected(&self) -> Result<Arc<Connected>, Failure> {
        self.listing.run(|| self.list()).await
    }

    /// The time is asked for first: what a connection's age is counted from is never later than it.
    async fn list(&self) -> Result<Arc<Connected>, Failure> {
        let (at, list) = tokio::join!(self.time(), self.look(|| Ask::new("CLIENT LIST")));
        let lines = expect_text(&list?, "CLIENT LIST")?;
        Ok(Arc::new(Connected {
            clients: clients::read(&lines, &self.own()),
            at: at?,
        }))
    }

    /// The server's clock. Sentinels have no TIME.
    async fn time(&self) -> Result<Timestamp, Failure> {
        let micros = match self.kind {
            Kind::Data => {
                let time = expect_list(self.look(|| Ask::new("TIME")).await?, "TIME")?;
                let part = |index: usize| time.get(index).and_then(text).and_then(|part| part.parse::<i64>().ok());
                part(0).zip(part(1)).map(|(second, micros)| second * 1_000_000 + micros)
            }
            Kind::Sentinel => {
                let info = self.info("server").await?;
                field(&info, "server_time_usec").and_then(|micros| micros.parse().ok())
            }
        };
        let at = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        at.ok_or(Failure::Garbled("TIME"))
    }

    /// The connection of the administrator. Where none comes about, all who wait share the failure, and not each a time-out of its own.
    async fn admin(&self) -> Result<Arc<Connection>, Failure> {
        match self.kept() {
            Some(connection) => Ok(connection),
            None => self.opening.run(|| Box::pin(self.open_shared())).await,
        }
    }

    fn kept(&self) -> Option<Arc<Connection>> {
        let kept = lock(&self.admin);
        kept.as_ref().filter(|connection| connection.is_open()).map(Arc::clone)
    }

    async fn open_shared(&self) -> Result<Arc<Connection>, Failure> {
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        let connection = Arc::new(self.open_as_admin().await?);
        *lock(&self.admin) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn forget(&self, connection: &Arc<Connection>) {
        let mut kept = lock(&self.admin);
        if kept.as_ref().is_some_and(|known| Arc::ptr_eq(known, connection)) {
            *kept = None;
        }
    }

    async fn open_as_admin(&self) -> Result<Connection, Failure> {
        let target = self.target().await?;
        let mut refused = None;
        for login in self.access.logins(self.kind).await? {
            match Connection::open(&target, login.as_ref()).await {
                Ok(connection) => {
                    self.learn(&connection);
                    return Ok(connection);
                }
                Err(Failure::Said(text)) => refused = Some(text),
                Err(other) => return Err(other),
            }
        }
        Err(Failure::Shut(refused.unwrap_or_default()))
    }

    /// A connection of its own, logged in as `login`: its errors are those of the login.
    pub(crate) async fn open_as(&self, login: &Login) -> Result<Connection, Failure> {
        let connection = Box::pin(Connection::open(&self.target().await?, Some(login))).await?;
        self.learn(&connection);
        Ok(connection)
    }

    async fn target(&self) -> Result<Target, Failure> {
        self.access.target(&self.address).await
    }

    /// Waits for its turn to try a login: a node is not to see more of our connections the more rotations there are.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.logins.acquire().await.ok()
    }

    /// A connection on which logins can be tried, one at a time.
    pub(crate) async fn take_spare(&self) -> Result<Connection, Failure> {
        loop {
            let kept = lock(&self.spare).pop();
            match kept {
                Some(connection) if connection.is_open() => return Ok(connection),
                Some(_) => {}
                None => return Box::pin(self.open_as_admin()).await,
            }
        }
    }

    /// Keeps it for the next login, where it is nobody's.
    pub(crate) fn give_back(&self, connection: Connection) {
        let mut spare = lock(&self.spare);
        if spare.len() < LOGINS && connection.is_open() {
            spare.push(connection);
        }
    }

    fn learn(&self, connection: &Connection) {
        lock(&self.own).extend(connection.id);
    }

    fn own(&self) -> BTreeSet<i64> {
        lock(&self.own).clone()
    }

    /// Whether logins can be tried on connections that are kept: there is an administrator to open them as.
    pub(crate) fn has_admin(&self) -> bool {
        self.access.has_admin(self.kind)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
