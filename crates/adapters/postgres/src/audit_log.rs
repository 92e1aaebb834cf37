//! The audit log: one chain for all processes, because a link is found and appended under a lock.

use std::collections::HashMap;

use async_trait::async_trait;
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::ports::{AuditLog, ErrorKind, JournalError, PortError};
use sqlx::{Connection, PgConnection};

use crate::database::{Change, Database};

type Columns = (i64, String, String, String);

#[async_trait]
impl AuditLog for Database {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        let body = serde_json::to_string(event).map_err(|error| {
            let message = "the audit event cannot be written as JSON; please report it";
            PortError::permanent(ErrorKind::Internal, message).caused_by(error)
        })?;
        Ok(self.audits.make(AppendAudit { key: event.key(), body }).await?)
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        let query = sqlx::query_as("SELECT sequence, previous, hash, body FROM audit_records ORDER BY sequence");
        let found: Vec<Columns> = self.readers.read("read the audit log", query).await?;
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

pub(crate) struct AppendAudit {
    key: String,
    body: String,
}

/// The lock is that of this schema's log alone, ends with the transaction, and needs no right. Whoever has it sees the newest
/// record: the next statement looks at what was committed before.
const BEGIN: &str = "
    BEGIN; SELECT pg_advisory_xact_lock((1264011340::bigint << 32) | 'audit_records'::regclass::oid::bigint)";

/// Those that are there already, and the newest.
const LOOK: &str = "
    SELECT key, sequence, previous, hash, body FROM audit_records WHERE key = ANY($1)
    UNION ALL
    (SELECT key, sequence, previous, hash, body FROM audit_records ORDER BY sequence DESC LIMIT 1)";

const APPEND: &str = "
    INSERT INTO audit_records (sequence, key, previous, hash, body)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])";

#[async_trait]
impl Change for AppendAudit {
    type Answer = AuditRecord;

    const DOING: &'static str = "append to the audit log";

    fn key(&self) -> &str {
        &self.key
    }

    async fn make(
        events: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<AuditRecord, JournalError>>, sqlx::Error> {
        let mut transaction = connection.begin_with(BEGIN).await?;
        let keys: Vec<_> = events.iter().map(|event| event.key()).collect();
        let found: Vec<(String, i64, String, String, String)> =
            sqlx::query_as(LOOK).bind(keys).fetch_all(&mut *transaction).await?;
        let there: HashMap<String, AuditRecord> = found
            .into_iter()
            .map(|(key, sequence, previous, hash, body)| (key, record((sequence, previous, hash, body))))
            .collect();
        let mut last = there.values().max_by_key(|record| record.sequence).cloned();
        let mut new = Vec::new();
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            let record = there.get(event.key()).cloned().unwrap_or_else(|| {
                let next = AuditRecord::following(last.as_ref(), event.body.clone());
                new.push((event.key(), next.clone()));
                last = Some(next.clone());
                next
            });
            answers.push(Ok(record));
        }
        if !new.is_empty() {
            write(&new, &mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(answers)
    }
}

async fn write(new: &[(&str, AuditRecord)], connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    fn column<'a, T>(new: &'a [(&'a str, AuditRecord)], value: impl Fn(&'a AuditRecord) -> T) -> Vec<T> {
        new.iter().map(|(_, record)| value(record)).collect()
    }
    sqlx::query(APPEND)
        .bind(column(new, |record| record.sequence.cast_signed()))
        .bind(new.iter().map(|(key, _)| *key).collect::<Vec<_>>())
        .bind(column(new, |record| record.previous.as_str()))
        .bind(column(new, |record| record.hash.as_str()))
        .bind(column(new, |record| record.body.as_str()))
        .execute(connection)
        .await?;
    Ok(())
}
