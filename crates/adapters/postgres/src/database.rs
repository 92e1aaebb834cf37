//! The shared journal: one schema of a PostgreSQL database, for any number of processes.

mod connector;
mod findings;
mod lane;
mod limit;
mod readers;
pub(crate) mod rights;

use std::sync::Arc;

use keywheel_domain::ports::{Finding, PortError, SecretSource};
use sqlx::Connection;

use crate::audit_log::AppendAudit;
use crate::config::DatabaseConfig;
use crate::journal::{AppendEntries, Claim, Open, Release};
use crate::material_store::Put;
use crate::schema;

pub(crate) use connector::{Connector, Purpose};
pub(crate) use lane::{Change, Lane};
pub(crate) use readers::Readers;

/// The shared journal, material store and audit log, open.
///
/// What is written often has a lane for each kind, where changes that wait at the same time share a commit; reads have connections
/// of their own. All of them are opened when they are needed, and anew after they broke.
#[derive(Debug)]
pub struct Database {
    pub(crate) connector: Arc<Connector>,
    pub(crate) readers: Readers,
    pub(crate) appends: Lane<AppendEntries>,
    pub(crate) openings: Lane<Open>,
    pub(crate) claims: Lane<Claim>,
    pub(crate) releases: Lane<Release>,
    pub(crate) puts: Lane<Put>,
    pub(crate) audits: Lane<AppendAudit>,
}

impl Database {
    /// Opens the journal, and makes its schema first where there is none; the database itself has to be there. Any number of
    /// processes may do so at the same time. Must be called within a tokio runtime, and is of use as long as that runs.
    ///
    /// The password is read again for each connection that is made.
    ///
    /// # Errors
    /// With the place and the fix: `Unavailable` where the server cannot be reached, is a standby or is starting; `Invalid` where the
    /// configuration, the server's version or the encoding is not what it has to be; `Forbidden` where the login or a right is
    /// missing, with the statements that give it; `Storage` where the schema is of somebody else or of a newer Keywheel, which is
    /// refused before anything is changed.
    pub async fn open(
        config: &DatabaseConfig,
        password: Option<Arc<dyn SecretSource>>,
    ) -> Result<Arc<Self>, PortError> {
        Self::connect(config, password, true).await
    }

    /// The same, but never makes a schema.
    ///
    /// # Errors
    /// `NotFound` where there is none, and those of [`Database::open`].
    pub async fn open_existing(
        config: &DatabaseConfig,
        password: Option<Arc<dyn SecretSource>>,
    ) -> Result<Arc<Self>, PortError> {
        Self::connect(config, password, false).await
    }

    async fn connect(
        config: &DatabaseConfig,
        password: Option<Arc<dyn SecretSource>>,
        may_make: bool,
    ) -> Result<Arc<Self>, PortError> {
        let connector = Arc::new(Connector::new(config, password)?);
        let mut connection = connector.connect(Purpose::Schema).await?;
        schema::prepare(&connector, &mut connection, may_make).await?;
        for finding in findings::of(&connector, &mut connection).await? {
            tracing::warn!(journal = %connector.place, "{}; {}", finding.detail, finding.fix);
        }
        // Nothing depends on the farewell.
        let _ = connection.close().await;
        Ok(Arc::new(Self {
            readers: Readers::new(Arc::clone(&connector)),
            appends: Lane::start(Arc::clone(&connector)),
            openings: Lane::start(Arc::clone(&connector)),
            claims: Lane::start(Arc::clone(&connector)),
            releases: Lane::start(Arc::clone(&connector)),
            puts: Lane::start(Arc::clone(&connector)),
            audits: Lane::start(Arc::clone(&connector)),
            connector,
        }))
    }

    /// What somebody should know about the server: settings with which what is committed could get lost, a role that may more than
    /// it needs, connections that can be listened to. Empty where all is well.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn findings(&self) -> Result<Vec<Finding>, PortError> {
        let mut connection = self.connector.connect(Purpose::Read).await?;
        findings::of(&self.connector, &mut connection).await
    }
}
