//! An audit chain in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use keywheel_domain::audit::{AuditEvent, AuditRecord};
use keywheel_domain::ports::{AuditLog, ErrorKind, PortError};

/// An audit chain in memory.
#[derive(Debug, Default)]
pub struct FakeAuditLog {
    records: Mutex<Vec<Link>>,
}

#[derive(Debug, Clone)]
struct Link {
    key: String,
    record: Arc<AuditRecord>,
}

impl FakeAuditLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// A log that begins with what this one holds and goes its own way from there.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            records: Mutex::new(self.lock().clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Link>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditLog for FakeAuditLog {
    async fn append(&self, event: &AuditEvent) -> Result<AuditRecord, PortError> {
        let key = event.key();
        let mut records = self.lock();
        if let Some(link) = records.iter().find(|link| link.key == key) {
            return Ok(AuditRecord::clone(&link.record));
        }
        let body = serde_json::to_string(event).map_err(|error| {
            PortError::permanent(ErrorKind::Internal, "the audit event cannot be written as JSON").caused_by(error)
        })?;
        let last = records.last().map(|link| link.record.as_ref());
        let record = AuditRecord::following(last, body);
        records.push(Link {
            key,
            record: Arc::new(record.clone()),
        });
        Ok(record)
    }

    async fn read(&self) -> Result<Vec<AuditRecord>, PortError> {
        Ok(self
            .lock()
            .iter()
            .map(|link| AuditRecord::clone(&link.record))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use keywheel_domain::audit::AuditPhase;

    use super::*;
    use crate::contract::audit_log;
    use crate::sample;

    #[test]
    fn it_keeps_the_contract() {
        let fresh = || -> Arc<dyn AuditLog> { Arc::new(FakeAuditLog::new()) };
        let checked = audit_log::check(&|| std::future::ready(fresh()).boxed()).now_or_never();
        checked.expect("a fake never waits");
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let log = FakeAuditLog::new();
        let append = |log: &FakeAuditLog, number| {
            let event = sample::audit_event(&sample::rotation_id(number), AuditPhase::Begin);
            log.append(&event).now_or_never().expect("a fake never waits").unwrap();
        };
        append(&log, 1);
        let fork = log.fork();
        append(&fork, 2);
        assert_eq!((log.lock().len(), fork.lock().len()), (1, 2));
    }
}
