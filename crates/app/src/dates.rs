//! Due dates by the policies of now. The journal keeps an index of them, and it was written by the policies of then.

use keywheel_domain::credential::Credential;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Due, JournalError};

use crate::error::AppError;
use crate::facade::Keywheel;

impl Keywheel {
    /// The credential with the due date that its policy of now gives it. One that is not wired here keeps what is written.
    pub(crate) fn by_policy(&self, credential: Credential) -> Credential {
        match self.inner.wirings.get(&credential.name) {
            Some(wiring) => credential.by(&wiring.policy),
            None => credential,
        }
    }

    /// What the inventory knows of a credential; `None` where it is not adopted.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn credential(&self, name: &CredentialName) -> Result<Option<Credential>, AppError> {
        let known = self.journal().credential(name).await?;
        Ok(known.map(|credential| self.by_policy(credential)))
    }

    /// Every credential of the inventory.
    pub(crate) async fn inventory(&self) -> Result<Vec<Credential>, AppError> {
        let known = self.journal().credentials().await?;
        Ok(known.into_iter().map(|credential| self.by_policy(credential)).collect())
    }

    /// What has to be looked at by now: rotations that wait no longer and credentials that are due. Reads the whole inventory.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn due(&self, limit: usize) -> Result<Vec<Due>, AppError> {
        let now = self.now();
        let mut due = self.journal().due(now, limit).await?;
        for credential in self.inventory().await? {
            let is_due = credential.active.is_none() && credential.next_due.is_some_and(|at| at <= now);
            let one = Due::Credential(credential.name);
            match due.iter().position(|known| *known == one) {
                Some(index) if !is_due => drop(due.remove(index)),
                None if is_due => due.push(one),
                Some(_) | None => {}
            }
        }
        due.truncate(limit);
        Ok(due)
    }

    /// Writes the due dates of now into the journal, where a policy was changed since they were written. What somebody else changes
    /// meanwhile is left to them, and so is what a rotation is running for.
    pub(crate) async fn reschedule(&self) -> Result<(), AppError> {
        for written in self.journal().credentials().await? {
            let now = self.by_policy(written.clone());
            if now == written {
                continue;
            }
            match self.journal().update(&written, &now).await {
                Ok(()) | Err(JournalError::Changed | JournalError::Active(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
