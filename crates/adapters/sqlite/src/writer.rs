//! Group commit: one task owns the one connection that writes. It takes everything that waits, makes all of it in one transaction,
//! and answers when that is on disk, so that changes which wait at the same time share one sync.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use keywheel_domain::ports::{ErrorKind, JournalError, PortError};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::error::{self, Failure};

/// How many changes one transaction makes at most.
const TOGETHER: usize = 256;

/// A change of the database.
///
/// It either refuses before it writes anything, or makes all of its writes: whoever refuses shares the transaction with others that
/// are committed. It may be made again after its transaction was rolled back.
#[async_trait]
pub(crate) trait Change: Send + Sync + 'static {
    /// What the caller learns once the change is on disk.
    type Answer: Send + 'static;

    /// Makes the change, within a transaction that nobody else's write can come between.
    async fn make(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, Failure>;
}

/// A handle on the task that writes; the task ends with its last handle.
pub(crate) struct Writer {
    path: PathBuf,
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the task on the runtime of the caller.
    pub(crate) fn start(connection: SqliteConnection, path: PathBuf) -> Self {
        let (jobs, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(write(connection, path.clone(), waiting));
        Self { path, jobs }
    }

    /// Has the change made, and returns when it is on disk. A caller that is dropped while its change still waits takes it back.
    pub(crate) async fn make<C: Change>(&self, change: C) -> Result<C::Answer, JournalError> {
        let (reply, answer) = oneshot::channel();
        let job = Requested {
            change,
            reply,
            outcome: None,
        };
        let stopped = || {
            let message = format!(
                "the writer of {} has stopped; start Keywheel again",
                self.path.display()
            );
            PortError::permanent(ErrorKind::Internal, message)
        };
        self.jobs.send(Box::new(job)).await.map_err(|_| stopped())?;
        answer
            .await
            .unwrap_or_else(|_| Err(stopped().with_unknown_effect().into()))
    }
}

/// A change of any kind, with somebody who waits for it.
#[async_trait]
trait Job: Send {
    fn is_taken_back(&self) -> bool;
    async fn make(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error>;
    fn answer(self: Box<Self>, path: &Path, end: &End);
}

/// How a transaction ended, for everybody in it.
enum End {
    Committed,
    Broken { error: Arc<sqlx::Error>, unknown: bool },
}

struct Requested<C: Change> {
    change: C,
    reply: oneshot::Sender<Result<C::Answer, JournalError>>,
    outcome: Option<Result<C::Answer, JournalError>>,
}

#[async_trait]
impl<C: Change> Job for Requested<C> {
    fn is_taken_back(&self) -> bool {
        self.reply.is_closed()
    }

    async fn make(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.outcome = match self.change.make(connection).await {
            Ok(answer) => Some(Ok(answer)),
            Err(Failure::Refused(refusal)) => Some(Err(refusal)),
            Err(Failure::Storage(error)) => return Err(error),
        };
        Ok(())
    }

    /// A refusal, too, waits for the commit: it may rest on what somebody else wrote in the same transaction.
    fn answer(self: Box<Self>, path: &Path, end: &End) {
        let answer = match (end, self.outcome) {
            (End::Committed, Some(outcome)) => outcome,
            (End::Committed, None) => return,
            (End::Broken { error, unknown }, _) => {
                let error = error::storage(path, Arc::clone(error));
                Err(if *unknown { error.with_unknown_effect() } else { error }.into())
            }
        };
        // Whoever asked may have gone meanwhile.
        let _ = self.reply.send(answer);
    }
}

async fn write(mut connection: SqliteConnection, path: PathBuf, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut waiting = Vec::new();
    while jobs.recv_many(&mut waiting, TOGETHER).await > 0 {
        waiting.retain(|job| !job.is_taken_back());
        let (mut end, one_failed) = together(&mut connection, &mut waiting).await;
        if one_failed && waiting.len() > 1 {
            // One of them broke the transaction of all, so each gets one of its own.
            for mut job in waiting.drain(..) {
                (end, _) = together(&mut connection, std::slice::from_mut(&mut job)).await;
                job.answer(&path, &end);
            }
        }
        waiting.drain(..).for_each(|job| job.answer(&path, &end));
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(path = %path.display(), %error, "the database was not closed cleanly; it is recovered when it is opened");
    }
}

/// Makes all the changes in one transaction. `true` where one of them failed, and so certainly all are without effect.
async fn together(connection: &mut SqliteConnection, jobs: &mut [Box<dyn Job>]) -> (End, bool) {
    let broken = |error, unknown| End::Broken {
        error: Arc::new(error),
        unknown,
    };
    if jobs.is_empty() {
        return (End::Committed, false);
    }
    if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
        return (broken(error, false), false);
    }
    for job in jobs {
        if let Err(error) = job.make(connection).await {
            roll_back(connection).await;
            return (broken(error, false), true);
        }
    }
    if let Err(error) = sqlx::query("COMMIT").execute(&mut *connection).await {
        roll_back(connection).await;
        let unknown = error::leaves_commit_unknown(&error);
        return (broken(error, unknown), false);
    }
    (End::Committed, false)
}

/// SQLite has rolled back already after some errors, and says so by another one.
async fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = sqlx::query("ROLLBACK").execute(connection).await {
        tracing::debug!(%error, "nothing was left to roll back");
    }
}

#[cfg(test)]
mod tests;
