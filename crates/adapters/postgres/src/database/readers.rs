//! Connections for reading and for what is seldom written, opened when they are needed and kept for the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keywheel_domain::ports::{Effect, PortError};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::QueryAs;
use sqlx::{Connection, FromRow, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::connector::{Connector, Purpose};
use super::limit::within;

/// As many connections as are allowed, at most.
#[derive(Debug)]
pub(crate) struct Readers {
    connector: Arc<Connector>,
    room: Semaphore,
    rested: Mutex<Vec<PgConnection>>,
}

impl Readers {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self {
            room: Semaphore::new(connector.config.max_readers),
            connector,
            rested: Mutex::new(Vec::new()),
        }
    }

    /// Every row that the query finds. It changes nothing, whatever happens on the way.
    pub(crate) async fn read<T>(
        &self,
        doing: &str,
        query: QueryAs<'_, Postgres, T, PgArguments>,
    ) -> Result<Vec<T>, PortError>
    where
        T: Send + Unpin + for<'row> FromRow<'row, PgRow>,
    {
        self.write(doing, query).await.map_err(|mut error| {
            error.effect = Effect::None;
            error
        })
    }

    /// Every row that the statement returns: it is a transaction of its own, and over when this returns.
    ///
    /// Where the caller is dropped or the connection breaks, it is not used again, so that nobody meets the rest of an answer.
    pub(crate) async fn write<T>(
        &self,
        doing: &str,
        query: QueryAs<'_, Postgres, T, PgArguments>,
    ) -> Result<Vec<T>, PortError>
    where
        T: Send + Unpin + for<'row> FromRow<'row, PgRow>,
    {
        let _room = self.room(doing).await?;
        let mut connection = self.connection().await?;
        let limit = self.connector.answer_within(Purpose::Read);
        match within(limit, query.fetch_all(&mut connection)).await {
            Some(Ok(rows)) => {
                self.rested().push(connection);
                Ok(rows)
            }
            Some(Err(error)) => Err(self.connector.failed(doing, error)),
            None => Err(self.connector.silent(doing, Purpose::Read)),
        }
    }

    /// A place among the connections, which is free soon unless the server hangs or is down.
    async fn room(&self, doing: &str) -> Result<SemaphorePermit<'_>, PortError> {
        let limit = self.connector.config.statement_timeout;
        match within(limit, self.room.acquire()).await {
            Some(room) => Ok(room.expect("it is never closed")),
            None => Err(self.connector.busy(doing)),
        }
    }

    /// One that answers.
    async fn connection(&self) -> Result<PgConnection, PortError> {
        let rested = self.rested().pop();
        if let Some(mut connection) = rested {
            if answers(&mut connection, &self.connector).await {
                return Ok(connection);
            }
            // What ended one of them has ended the others.
            self.rested().clear();
        }
        self.connector.connect_patiently(Purpose::Read).await
    }

    fn rested(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.rested.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection that was not used for a while is still one.
pub(crate) async fn answers(connection: &mut PgConnection, connector: &Connector) -> bool {
    let limit = connector.config.connect_timeout;
    matches!(within(limit, connection.ping()).await, Some(Ok(())))
}
