//! Group commit: a lane makes changes of one kind on a connection of its own. It takes everything that waits, makes all of it in
//! one transaction, and answers when that is on disk, so that changes which wait at the same time share one sync and one trip to
//! the server. Lanes commit beside each other, and none waits for another.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, JournalError, PortError};
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, oneshot};

use super::connector::{Connector, Purpose};
use super::limit::within;
use super::readers::answers;
use crate::error;

/// How many changes one transaction makes at most.
const TOGETHER: usize = 64;
/// How many may wait before who asks has to wait too.
const WAITING: usize = 1024;
/// A connection that was not used for so long is asked before it is relied on.
const RESTED: SignedDuration = SignedDuration::from_secs(1);

/// A change of the database.
#[async_trait]
pub(crate) trait Change: Send + Sync + Sized + 'static {
    /// What the caller learns once the change is on disk.
    type Answer: Send + 'static;

    /// What is done, as messages say it after "cannot".
    const DOING: &'static str;

    /// What it is about. Changes of the same key are never made together, but one after the other.
    fn key(&self) -> &str;

    /// Makes all the changes in one transaction, which is committed when this returns, and answers each. A change that is refused
    /// writes nothing and holds up nobody; an error is one of the whole transaction.
    async fn make(
        changes: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<Self::Answer, JournalError>>, sqlx::Error>;
}

struct Job<C: Change> {
    change: C,
    reply: oneshot::Sender<Result<C::Answer, JournalError>>,
}

/// A handle on a lane, which ends with its last handle.
pub(crate) struct Lane<C: Change> {
    jobs: mpsc::Sender<Job<C>>,
}

impl<C: Change> fmt::Debug for Lane<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", C::DOING)
    }
}

impl<C: Change> Lane<C> {
    /// Starts it on the runtime of the caller. It connects with the first change.
    pub(crate) fn start(connector: Arc<Connector>) -> Self {
        let (jobs, asked) = mpsc::channel(WAITING);
        let worker = Worker {
            connector,
            asked,
            waiting: VecDeque::new(),
            connection: None,
            has_rested: false,
        };
        tokio::spawn(worker.run());
        Self { jobs }
    }

    /// Has the change made, and returns when it is on disk. A caller that is dropped while its change still waits takes it back.
    pub(crate) async fn make(&self, change: C) -> Result<C::Answer, JournalError> {
        let stopped = || {
            let message = format!(
                "cannot {}: the runtime that Keywheel was started on has ended",
                C::DOING
            );
            PortError::permanent(ErrorKind::Internal, message)
        };
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.send(Job { change, reply }).await;
        sent.map_err(|_| stopped())?;
        let answered = answer.await;
        answered.unwrap_or_else(|_| Err(stopped().with_unknown_effect().into()))
    }
}

/// Why a transaction came to nothing, or to nobody knows what.
struct Trouble {
    error: PortError,
    /// The server looked at the changes and said no: one of them may be to blame for all.
    is_verdict: bool,
}

struct Worker<C: Change> {
    connector: Arc<Connector>,
    asked: mpsc::Receiver<Job<C>>,
    waiting: VecDeque<Job<C>>,
    connection: Option<PgConnection>,
    has_rested: bool,
}

impl<C: Change> Worker<C> {
    async fn run(mut self) {
        while self.gather().await {
            let jobs = self.next_together();
            if !jobs.is_empty() {
                self.together(jobs).await;
            }
        }
        if let Some(connection) = self.connection {
            // Nothing depends on the farewell: everything is committed.
            let _ = within(RESTED, connection.close()).await;
        }
    }

    /// Waits until there is something to do; `false` once nobody can ask any more.
    async fn gather(&mut self) -> bool {
        if self.waiting.is_empty() {
            let next = match within(RESTED, self.asked.recv()).await {
                Some(next) => next,
                None => {
                    self.has_rested = true;
                    self.asked.recv().await
                }
            };
            match next {
                Some(job) => self.waiting.push_back(job),
                None => return false,
            }
        }
        while self.waiting.len() < WAITING
            && let Ok(job) = self.asked.try_recv()
        {
            self.waiting.push_back(job);
        }
        true
    }

    /// The first of each key, in their order. Whose caller has gone is taken back.
    fn next_together(&mut self) -> Vec<Job<C>> {
        let mut keys = HashSet::new();
        let mut together = Vec::new();
        let mut later = VecDeque::new();
        for job in self.waiting.drain(..).filter(|job| !job.reply.is_closed()) {
            if together.len() < TOGETHER && keys.insert(job.change.key().to_owned()) {
                together.push(job);
            } else {
                later.push_back(job);
            }
        }
        self.waiting = later;
        together
    }

    async fn together(&mut self, jobs: Vec<Job<C>>) {
        match self.make(&jobs).await {
            Ok(answers) => jobs.into_iter().zip(answers).for_each(answer),
            Err(trouble) if trouble.is_verdict && jobs.len() > 1 => {
                // One of them broke the transaction of all, so each gets one of its own.
                for job in jobs {
                    let made = self.make(std::slice::from_ref(&job)).await;
                    let made = made.map(|mut answers| answers.pop().expect("one answer for one change"));
                    answer((job, made.unwrap_or_else(|trouble| Err(trouble.error.into()))));
                }
            }
            Err(trouble) => {
                let same = |job| answer((job, Err(copy(&trouble.error).into())));
                jobs.into_iter().for_each(same);
            }
        }
    }

    async fn make(&mut self, jobs: &[Job<C>]) -> Result<Vec<Result<C::Answer, JournalError>>, Trouble> {
        self.connect().await.map_err(|error| Trouble {
            error,
            is_verdict: false,
        })?;
        // It is put back where it is sound, and closed wherever this ends otherwise.
        let mut connection = self.connection.take().expect("it was connected");
        let changes: Vec<&C> = jobs.iter().map(|job| &job.change).collect();
        let limit = self.connector.answer_within(Purpose::Write);
        match within(limit, C::make(&changes, &mut connection)).await {
            Some(Ok(answers)) => {
                self.connection = Some(connection);
                Ok(answers)
            }
            Some(Err(error)) => {
                let survived = is_survived(&error);
                self.connection = survived.then_some(connection);
                Err(Trouble {
                    is_verdict: survived && is_verdict(&error),
                    error: self.connector.failed(C::DOING, error),
                })
            }
            None => Err(Trouble {
                error: self.connector.silent(C::DOING, Purpose::Write),
                is_verdict: false,
            }),
        }
    }

    /// Sees to it that there is a connection, and that it is one. Nothing was sent yet when this fails.
    async fn connect(&mut self) -> Result<(), PortError> {
        if std::mem::take(&mut self.has_rested)
            && let Some(mut connection) = self.connection.take()
            && answers(&mut connection, &self.connector).await
        {
            self.connection = Some(connection);
        }
        if self.connection.is_none() {
            self.connection = Some(self.connector.connect_patiently(Purpose::Write).await?);
        }
        Ok(())
    }
}

fn answer<C: Change>((job, outcome): (Job<C>, Result<C::Answer, JournalError>)) {
    // Whoever asked may have gone meanwhile.
    let _ = job.reply.send(outcome);
}

/// Whether the session goes on after this error.
fn is_survived(error: &sqlx::Error) -> bool {
    let told = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    told.is_some_and(|told| matches!(told.severity(), PgSeverity::Error))
}

/// Whether an error of the server is about what was to be written, or about who wrote at the same time. Certainly no effect. What is
/// about the server itself, such as a lock or a full disk, would only come again for each.
fn is_verdict(error: &sqlx::Error) -> bool {
    let code = error::sqlstate(error).unwrap_or_default();
    ["21", "22", "23", "40", "44"]
        .iter()
        .any(|class| code.starts_with(class))
        && code != "40003"
}

/// The same error for one more of those whom it concerns.
fn copy(error: &PortError) -> PortError {
    let mut copy = PortError::permanent(error.kind, error.message());
    (copy.retry, copy.effect) = (error.retry, error.effect);
    match std::error::Error::source(error) {
        None => copy,
        Some(_) => copy.caused_by(causes(error)),
    }
}

fn causes(error: &PortError) -> String {
    let chain = error.chain();
    let causes = chain.strip_prefix(error.message()).unwrap_or(&chain);
    causes.trim_start_matches(": ").to_owned()
}

#[cfg(test)]
mod tests;
