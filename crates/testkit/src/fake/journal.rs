//! A journal in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, DriverId, FencingToken, RotationId, Sequence};
use keywheel_domain::ports::{Append, Due, ErrorKind, Journal, JournalError, Lease, NewRotation, PortError};
use keywheel_domain::rotation::Entry;

/// A journal in memory, for one process. It passes the same contract suite as the real ones.
#[derive(Debug, Default)]
pub struct FakeJournal {
    state: Mutex<State>,
}

/// Entries and credentials are shared between copies, so that a search can branch off a state for next to nothing.
#[derive(Debug, Clone, Default)]
struct State {
    credentials: BTreeMap<CredentialName, Arc<Credential>>,
    rotations: BTreeMap<RotationId, Row>,
    opened: u64,
}

#[derive(Debug, Clone)]
struct Row {
    credential: CredentialName,
    /// Which rotation of this journal it is, for the order of their opening.
    number: u64,
    running: bool,
    entries: Vec<Arc<Entry>>,
    token: FencingToken,
    holder: Option<(DriverId, Timestamp)>,
    wake: Option<Timestamp>,
}

impl FakeJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// A journal that begins with what this one holds and goes its own way from there.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            state: Mutex::new(self.lock().clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, append: &Append) -> Result<(), JournalError> {
        let row = self.rotations.get_mut(&append.lease.rotation);
        let row = row.ok_or(JournalError::Fenced)?;
        let (driver, until) = row.held_by(&append.lease).ok_or(JournalError::Fenced)?;
        if row.last() != append.after {
            return Err(JournalError::Fenced);
        }
        row.check(append)?;
        let until = until.max(append.lease.until);
        row.holder = Some((driver, until));
        row.wake = append.wake;
        row.entries.extend(append.entries.iter().cloned().map(Arc::new));
        if let Some(credential) = &append.credential {
            row.running = credential.active.is_some();
            let credential = Arc::new(credential.clone());
            self.credentials.insert(credential.name.clone(), credential);
        }
        Ok(())
    }

    fn claim(
        &mut self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        let Some(row) = self.rotations.get_mut(rotation) else {
            let message = format!("there is no rotation {rotation}; see `keywheel history`");
            return Err(PortError::permanent(ErrorKind::NotFound, message).into());
        };
        if let Some((holder, until)) = row.holder.clone().filter(|(holder, _)| holder != driver)
            && now < until
        {
            return Err(JournalError::Held { holder, until });
        }
        let until = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        row.token = row.token.next();
        row.holder = Some((driver.clone(), until));
        Ok(Lease {
            rotation: rotation.clone(),
            token: row.token,
            until,
        })
    }

    fn open(&mut self, new: &NewRotation, now: Timestamp) -> Result<(), JournalError> {
        let known = self.credentials.get(&new.credential.name);
        let known = known.ok_or(JournalError::Changed)?;
        if let Some(active) = &known.active {
            return Err(JournalError::Active(active.clone()));
        }
        new.check()?;
        if self.rotations.contains_key(&new.rotation) {
            let message = format!("rotation {} was opened before", new.rotation);
            return Err(PortError::permanent(ErrorKind::Conflict, message).into());
        }
        if !new.follows(known) {
            return Err(JournalError::Changed);
        }
        self.opened += 1;
        let row = Row {
            credential: new.credential.name.clone(),
            number: self.opened,
            running: true,
            entries: vec![Arc::new(new.opened.clone())],
            token: FencingToken(0),
            holder: None,
            wake: Some(now),
        };
        self.rotations.insert(new.rotation.clone(), row);
        let credential = Arc::new(new.credential.clone());
        self.credentials.insert(credential.name.clone(), credential);
        Ok(())
    }

    /// Everything that somebody has to look at by `now`, with the moment since when.
    fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Due)> {
        let rotations = self.rotations.iter().filter_map(move |(id, row)| {
            let free = row.holder.as_ref().map_or(Timestamp::MIN, |(_, until)| *until);
            let at = row.wake?.max(free);
            (at <= now).then(|| (at, Due::Rotation(id.clone())))
        });
        let idle = self.credentials.values().filter(|known| known.active.is_none());
        let credentials = idle.filter_map(move |known| {
            let at = known.next_due.filter(|at| *at <= now)?;
            Some((at, Due::Credential(known.name.clone())))
        });
        rotations.chain(credentials)
    }
}

impl Row {
    fn last(&self) -> Sequence {
        Sequence(self.entries.len() as u64)
    }

    /// Who holds the lease, if it is this one.
    fn held_by(&self, lease: &Lease) -> Option<(DriverId, Timestamp)> {
        self.holder.clone().filter(|_| self.token == lease.token)
    }

    fn check(&self, append: &Append) -> Result<(), JournalError> {
        if !self.running {
            return Err(invalid("the rotation is over"));
        }
        append.check()?;
        let credential = append.credential.as_ref();
        if credential.is_some_and(|credential| credential.name != self.credential) {
            return Err(invalid("the credential is not that of the rotation"));
        }
        Ok(())
    }
}

fn invalid(message: &str) -> JournalError {
    PortError::permanent(ErrorKind::Invalid, message).into()
}

#[async_trait]
impl Journal for FakeJournal {
    async fn adopt(&self, credential: &Credential) -> Result<(), JournalError> {
        let mut state = self.lock();
        if credential.active.is_some() {
            return Err(invalid("an adopted credential has no rotation yet"));
        }
        if state.credentials.contains_key(&credential.name) {
            return Err(JournalError::Changed);
        }
        state
            .credentials
            .insert(credential.name.clone(), Arc::new(credential.clone()));
        Ok(())
    }

    async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, JournalError> {
        Ok(self.lock().credentials.get(name).map(|known| Credential::clone(known)))
    }

    async fn credentials(&self) -> Result<Vec<Credential>, JournalError> {
        Ok(self
            .lock()
            .credentials
            .values()
            .map(|known| Credential::clone(known))
            .collect())
    }

    async fn update(&self, expected: &Credential, credential: &Credential) -> Result<(), JournalError> {
        let mut state = self.lock();
        let known = state.credentials.get(&expected.name).ok_or(JournalError::Changed)?;
        if let Some(active) = &known.active {
            return Err(JournalError::Active(active.clone()));
        }
        if **known != *expected {
            return Err(JournalError::Changed);
        }
        if credential.name != expected.name || credential.active.is_some() {
            return Err(invalid("an update keeps the name, and begins no rotation"));
        }
        state
            .credentials
            .insert(credential.name.clone(), Arc::new(credential.clone()));
        Ok(())
    }

    async fn open(
        &self,
        new: &NewRotation,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        let mut state = self.lock();
        state.open(new, now)?;
        state.claim(&new.rotation, driver, now, ttl)
    }

    async fn claim(
        &self,
        rotation: &RotationId,
        driver: &DriverId,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, JournalError> {
        self.lock().claim(rotation, driver, now, ttl)
    }

    async fn release(&self, lease: &Lease, wake: Option<Timestamp>) -> Result<(), JournalError> {
        let mut state = self.lock();
        let row = state.rotations.get_mut(&lease.rotation);
        if let Some(row) = row.filter(|row| row.held_by(lease).is_some()) {
            row.holder = None;
            row.wake = wake;
        }
        Ok(())
    }

    async fn append(&self, append: &Append) -> Result<(), JournalError> {
        self.lock().append(append)
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Entry>, JournalError> {
        let state = self.lock();
        let entries = state.rotations.get(rotation).map(|row| &row.entries);
        Ok(entries.into_iter().flatten().map(|entry| Entry::clone(entry)).collect())
    }

    async fn rotations(&self, credential: &CredentialName) -> Result<Vec<RotationId>, JournalError> {
        let state = self.lock();
        let of_it = state.rotations.iter().filter(|(_, row)| row.credential == *credential);
        let mut ids: Vec<_> = of_it.map(|(id, row)| (row.number, id.clone())).collect();
        ids.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(ids.into_iter().map(|(_, id)| id).collect())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, JournalError> {
        let state = self.lock();
        let mut due: Vec<_> = state.due(now).collect();
        due.sort_by_key(|(at, _)| *at);
        Ok(due.into_iter().take(limit).map(|(_, due)| due).collect())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::contract::journal;
    use crate::sample;

    fn at_once<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().expect("a fake never waits")
    }

    #[test]
    fn it_keeps_the_contract() {
        let fresh = || -> Arc<dyn Journal> { Arc::new(FakeJournal::new()) };
        at_once(journal::check(&|| std::future::ready(fresh()).boxed()));
    }

    #[test]
    fn racing_drivers_never_both_append() {
        let journal: Arc<dyn Journal> = Arc::new(FakeJournal::new());
        at_once(journal::check_race(&[Arc::clone(&journal), journal]));
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let journal = FakeJournal::new();
        at_once(journal.adopt(&sample::credential())).unwrap();
        let fork = journal.fork();
        let other = "other/database".parse().unwrap();
        at_once(fork.adopt(&sample::named(other))).unwrap();
        let count = |journal: &FakeJournal| at_once(journal.credentials()).unwrap().len();
        assert_eq!((count(&journal), count(&fork)), (1, 2));
    }
}
