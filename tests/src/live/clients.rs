//! Clients of a rotated server: some connect anew for each operation, some keep their connection as a pool does.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::task::JoinHandle;

/// A login as the store shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Login {
    /// The user or role.
    pub username: String,
    /// Its password, of a server that nobody else can reach.
    pub password: String,
}

impl Login {
    /// What the store shows now.
    ///
    /// # Errors
    /// Where there is no file, or not a whole one: the store never shows that.
    pub fn shown(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("the store shows nothing: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("the store shows no login: {error}"))
    }
}

/// A server that clients log in to.
#[async_trait]
pub trait Server: Send + Sync + Debug {
    /// Logs in.
    async fn connect(&self, login: &Login) -> Result<Box<dyn Session>, String>;
}

/// A connection of one client.
#[async_trait]
pub trait Session: Send {
    /// Does what a client does.
    async fn operate(&mut self) -> Result<(), String>;
    /// Leaves.
    async fn close(self: Box<Self>);
}

/// What clients saw.
#[derive(Debug, Default)]
pub struct Tally {
    logins: AtomicU64,
    operations: AtomicU64,
    failures: Mutex<Vec<(Instant, String)>>,
}

impl Tally {
    /// How many logins succeeded.
    pub fn logins(&self) -> u64 {
        self.logins.load(Ordering::Relaxed)
    }

    /// How many operations succeeded.
    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// What failed, in order.
    pub fn failures(&self) -> Vec<String> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.iter().map(|(_, why)| why.clone()).collect()
    }

    /// From the first failure to the last one.
    pub fn outage(&self) -> Duration {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match (failures.first(), failures.last()) {
            (Some((first, _)), Some((last, _))) => *last - *first,
            _ => Duration::ZERO,
        }
    }

    fn failed(&self, why: String) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push((now(), why));
    }
}

/// Clients at work, until they are stopped.
#[derive(Debug)]
pub struct Clients {
    /// What they see.
    pub tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// A pooled connection lives for that many operations: pools replace theirs now and then.
const OPERATIONS_OF_A_CONNECTION: usize = 400;

impl Clients {
    /// Starts `anew` clients that connect for each operation and `pooled` ones that keep their connection. Each reads the login
    /// from `file` whenever it connects.
    pub fn start(server: &Arc<dyn Server>, file: &Path, anew: usize, pooled: usize) -> Self {
        let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
        let lengths = std::iter::repeat_n(1, anew).chain(std::iter::repeat_n(OPERATIONS_OF_A_CONNECTION, pooled));
        let tasks = lengths.map(|length| {
            let client = Client {
                server: Arc::clone(server),
                file: file.to_owned(),
                tally: Arc::clone(&tally),
                stop: Arc::clone(&stop),
                length,
            };
            tokio::spawn(client.work())
        });
        Self {
            tasks: tasks.collect(),
            tally,
            stop,
        }
    }

    /// Waits until that many operations succeeded, or one failed.
    pub async fn reach(&self, operations: u64) {
        while self.tally.operations() < operations && self.tally.failures().is_empty() {
            pause(Duration::from_millis(20)).await;
        }
    }

    /// Stops them all; what they saw.
    pub async fn stop(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("clients do not panic");
        }
        self.tally
    }
}

struct Client {
    server: Arc<dyn Server>,
    file: PathBuf,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    /// Operations of one connection.
    length: usize,
}

impl Client {
    async fn work(self) {
        while !self.stopped() {
            if let Err(why) = self.one_connection().await {
                self.tally.failed(why);
                // A client that is refused tries again, and not in a busy loop.
                pause(Duration::from_millis(10)).await;
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn one_connection(&self) -> Result<(), String> {
        let login = Login::shown(&self.file)?;
        let mut session = self.server.connect(&login).await?;
        self.tally.logins.fetch_add(1, Ordering::Relaxed);
        for _ in 0..self.length {
            session.operate().await?;
            self.tally.operations.fetch_add(1, Ordering::Relaxed);
            if self.length > 1 {
                // It leaves the processors to those that log in.
                pause(Duration::from_millis(1)).await;
            }
            if self.stopped() {
                break;
            }
        }
        session.close().await;
        Ok(())
    }
}

/// The result, unless it takes longer than that.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, String> {
    tokio::select! {
        done = work => Ok(done),
        () = pause(limit) => Err(format!("no answer within {limit:?}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "real servers answer in real time")]
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "real servers answer in real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}
