//! Who accepts presented credentials: a database's roles, a cache's passwords, a cloud's access keys.

use keywheel_domain::id::VersionNumber;
use keywheel_domain::ports::{ErrorKind, Held, PortError};

use super::fingerprint::Fingerprint;
use super::setup::{Setup, Style};

/// One thing that can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The authority's own id of it.
    pub id: String,
    /// The name that it was given.
    pub name: Option<String>,
    /// The version that it was made for; `None` where it is somebody else's.
    pub owner: Option<VersionNumber>,
    /// Tells its secret apart; `None` where the secret is somebody else's.
    pub fingerprint: Option<Fingerprint>,
    /// Whether it may log in now.
    pub active: bool,
}

/// The accounts, and how many there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Every account, in the order in which they were made.
    pub accounts: Vec<Account>,
    quota: usize,
    made: u64,
}

impl Authority {
    pub(super) fn new(setup: &Setup) -> Self {
        let foreign = Account {
            id: "somebody-elses".to_owned(),
            name: Some("not of Keywheel".to_owned()),
            owner: None,
            fingerprint: None,
            active: true,
        };
        Self {
            accounts: setup.foreign.then_some(foreign).into_iter().collect(),
            quota: if setup.style == Style::InPlace { 1 } else { setup.quota },
            made: 0,
        }
    }

    pub(super) fn install(&mut self, id: String, version: VersionNumber, fingerprint: Fingerprint) {
        self.accounts.push(Account {
            id,
            name: None,
            owner: Some(version),
            fingerprint: Some(fingerprint),
            active: true,
        });
    }

    /// Whether whoever presents that may log in.
    pub fn accepts(&self, presented: Fingerprint) -> bool {
        let mut accounts = self.accounts.iter();
        accounts.any(|account| account.active && account.fingerprint == Some(presented))
    }

    /// Accepts it beside what is accepted; what is accepted already stays as it is.
    pub(crate) fn add(&mut self, id: String, version: VersionNumber, new: Fingerprint) -> Result<(), PortError> {
        let known = self
            .accounts
            .iter_mut()
            .find(|account| account.fingerprint == Some(new));
        if let Some(account) = known {
            account.active = true;
            return Ok(());
        }
        self.room()?;
        self.install(id, version, new);
        Ok(())
    }

    /// Accepts it and nothing else of ours.
    pub(crate) fn replace(&mut self, id: String, version: VersionNumber, new: Fingerprint) {
        self.accounts.retain(|account| account.owner.is_none());
        self.install(id, version, new);
    }

    /// A name for the next account that the authority makes by itself.
    pub(crate) fn next_id(&mut self) -> String {
        self.made += 1;
        format!("key-{}", self.made)
    }

    /// Makes an account with a secret of the authority's own.
    pub(crate) fn make(&mut self, account: Account) -> Result<(), PortError> {
        self.room()?;
        self.accounts.push(account);
        Ok(())
    }

    fn room(&self) -> Result<(), PortError> {
        if self.accounts.len() < self.quota {
            return Ok(());
        }
        let problem = format!(
            "there are {} accounts already, which is the most; delete one",
            self.quota
        );
        Err(PortError::permanent(ErrorKind::Quota, problem))
    }

    /// Refuses, or accepts again, what is there; what is not there stays away.
    pub(crate) fn set_active(&mut self, which: Fingerprint, active: bool) {
        let accounts = self.accounts.iter_mut();
        accounts
            .filter(|account| account.fingerprint == Some(which))
            .for_each(|account| account.active = active);
    }

    /// Destroys the accounts that `which` says, and says how many.
    pub(crate) fn remove(&mut self, which: impl Fn(&Account) -> bool) -> usize {
        let before = self.accounts.len();
        self.accounts.retain(|account| !which(account));
        before - self.accounts.len()
    }

    /// Everything that is there, ours or not.
    pub(crate) fn inventory(&self) -> Vec<Held> {
        let held = |account: &Account| Held {
            id: account.id.clone(),
            name: account.name.clone(),
        };
        self.accounts.iter().map(held).collect()
    }
}
