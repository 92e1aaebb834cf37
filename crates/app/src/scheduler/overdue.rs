//! What should move and does not: the worst that a rotation can do is to stop in silence.

use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::rotation::Outcome;

use crate::error::AppError;
use crate::facade::Keywheel;

/// The credentials that somebody has to look after, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Their date has passed, and no rotation was begun.
    pub idle: Vec<CredentialName>,
    /// Their rotation is stuck, whatever their date.
    pub stuck: Vec<CredentialName>,
}

impl Overdue {
    /// Whether nobody has to look after anything.
    pub fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.stuck.is_empty()
    }
}

impl Keywheel {
    /// The credentials configured here that are overdue without a rotation, and those whose rotation is stuck or cannot be read.
    /// Reads the whole inventory and every rotation that is under way.
    ///
    /// # Errors
    /// Where the journal fails.
    pub async fn overdue(&self) -> Result<Overdue, AppError> {
        let mut overdue = Overdue::default();
        for credential in self.inventory().await? {
            if !self.is_configured(&credential.name) {
                continue;
            }
            match &credential.active {
                Some(id) if self.is_stuck(id).await => overdue.stuck.push(credential.name),
                None if credential.next_due.is_some_and(|due| due <= self.now()) => overdue.idle.push(credential.name),
                Some(_) | None => {}
            }
        }
        Ok(overdue)
    }

    /// One that cannot be read moves as little as one that says so.
    async fn is_stuck(&self, id: &RotationId) -> bool {
        let rotation = self.rotation(id).await;
        rotation.map_or(true, |rotation| rotation.outcome() == Some(Outcome::Stuck))
    }
}
