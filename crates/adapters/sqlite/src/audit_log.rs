//! The audit log: one chain for all processes, because a link is found and appended in one transaction.

use async_trait::async_trait;
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::ports::{AuditLog, ErrorKind, PortError};
use sqlx::SqliteConnection;

use crate::Sqlite;
use crate::error::{self, Failure};
use crate::writer::Change;

type Columns = (i64, String, String, String);

#[async_trait]
impl AuditLog for Sqlite {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        let body = serde_json::to_string(event).map_err(|error| {
            let message = "the audit event cannot be written as JSON; please report it";
            PortError::permanent(ErrorKind::Internal, message).caused_by(error)
        })?;
        Ok(self.writer.make(AppendAudit { key: event.key(), body }).await?)
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        let query = "SELECT sequence, previous, hash, body FROM audit_records ORDER BY sequence";
        let found: Result<Vec<Columns>, _> = sqlx::query_as(query).fetch_all(&self.readers).await;
        let found = found.map_err(|error| error::storage(&self.path, error))?;
        Ok(found.into_iter().map(record).collect())
    }
}

fn record((sequence, previous, hash, body): Columns) -> AuditRecord {
    let sequence = sequence.cast_unsigned();
    AuditRecord {
        sequence,
        previous,
        hash,
        body,
    }
}

struct AppendAudit {
    key: String,
    body: String,
}

#[async_trait]
impl Change for AppendAudit {
    type Answer = AuditRecord;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<AuditRecord, Failure> {
        let by_key = "SELECT sequence, previous, hash, body FROM audit_records WHERE key = ?1";
        let there: Option<Columns> = sqlx::query_as(by_key)
            .bind(&self.key)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(there) = there {
            return Ok(record(there));
        }
        let newest = "SELECT sequence, previous, hash, body FROM audit_records ORDER BY sequence DESC LIMIT 1";
        let last: Option<Columns> = sqlx::query_as(newest).fetch_optional(&mut *connection).await?;
        let next = AuditRecord::following(last.map(record).as_ref(), self.body.clone());
        sqlx::query("INSERT INTO audit_records (sequence, key, previous, hash, body) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(next.sequence.cast_signed())
            .bind(&self.key)
            .bind(&next.previous)
            .bind(&next.hash)
            .bind(&next.body)
            .execute(connection)
            .await?;
        Ok(next)
    }
}
