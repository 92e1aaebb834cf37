//! What is to be done about a role, from what the server says about all of them. Pure: nothing here asks or changes anything.

use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{ErrorKind, PortError};

use super::drift::{self, Difference, ROLE};
use super::roles::{Mark, RoleState, Roles, Snapshot};
use super::statements;
use crate::quote::RoleName;

/// What a version is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Suspend,
    Reinstate,
    Retire,
}

/// How to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// The role has nothing to do with the version any more, or is not there; and why.
    Nothing(String),
    /// The role is the version's, and it is so already.
    Already(String),
    /// Whether the role still has the version's password is not known, and it matters: try it.
    TryFirst,
    /// These statements, and what they do, for people.
    Run(Vec<String>, String),
}

/// What a decision is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) roles: &'a Roles,
    pub(super) snapshot: &'a Snapshot,
    pub(super) id: &'a VersionId,
    pub(super) name: &'a RoleName,
    /// Whether the server took the version's password just now, where that was tried.
    pub(super) accepted: Option<bool>,
}

/// Whose password a role has.
enum Holder {
    Nobody,
    /// This version's.
    Ours,
    /// Not known.
    Unknown,
    /// Another one's, or none.
    Another(String),
}

impl Case<'_> {
    fn state(&self) -> Option<&RoleState> {
        self.snapshot.get(self.name.as_str())
    }

    fn is_twin(&self) -> bool {
        self.roles.twins.iter().flatten().any(|twin| twin == self.name)
    }

    /// A twin says itself whose password it has. Where it names another version, that one may have come later, or from an inventory
    /// that was lost: only the server knows which password it takes.
    fn holder(&self, deed: Deed) -> Result<Holder, PortError> {
        let Some(state) = self.state() else {
            return Ok(Holder::Nobody);
        };
        if state.superuser {
            return Err(superuser(self.name));
        }
        let mark = state.mark();
        if let Some(mark) = mark
            .as_ref()
            .filter(|mark| self.is_twin() && mark.credential != self.id.credential.as_str())
        {
            return Err(another_credential(self.name, mark));
        }
        let adopted = self.roles.twins.is_some() && !self.is_twin();
        let marked = |mark: &Mark| self.is_twin() && mark.version == Some(self.id.number.0);
        let named = adopted || mark.as_ref().is_some_and(marked);
        Ok(match self.accepted {
            Some(true) => Holder::Ours,
            // A role that is named after it may have lost its password all the same. Only who wants it back has to know.
            _ if named && deed != Deed::Reinstate => Holder::Ours,
            Some(false) if named => Holder::Another("no password, or another one".to_owned()),
            Some(false) => Holder::Another(mark.map_or("another password".to_owned(), |mark| match mark.version {
                Some(number) => format!("the password of version {number}"),
                None => "another password".to_owned(),
            })),
            None => Holder::Unknown,
        })
    }

    /// What suspends, reinstates or retires the version.
    pub(super) fn end(&self, deed: Deed) -> Result<Decision, PortError> {
        let name = self.name;
        match (self.holder(deed)?, deed) {
            (Holder::Unknown, _) => Ok(Decision::TryFirst),
            (Holder::Nobody, Deed::Reinstate) => {
                let message = format!("there is no role {name} any more, so {} cannot be reinstated", self.id);
                Err(PortError::permanent(ErrorKind::NotFound, message))
            }
            (Holder::Nobody, _) => Ok(Decision::Nothing(format!("there is no role {name}"))),
            (Holder::Another(what), Deed::Reinstate) => {
                let message = format!("{name} has {what} now, so {} cannot be reinstated", self.id);
                Err(PortError::permanent(ErrorKind::Conflict, message))
            }
            (Holder::Another(what), _) => Ok(Decision::Nothing(format!("{name} has {what} now"))),
            (Holder::Ours, deed) => Ok(self.run(deed)),
        }
    }

    fn run(&self, deed: Deed) -> Decision {
        let name = self.name;
        let may_log_in = self.state().is_some_and(|state| state.login);
        let (statement, told) = match deed {
            Deed::Suspend if !may_log_in => return Decision::Already(format!("{name} may not log in already")),
            Deed::Reinstate if may_log_in => return Decision::Already(format!("{name} may log in already")),
            Deed::Suspend => (statements::suspend(name), format!("{name} may not log in any more")),
            Deed::Reinstate => (statements::reinstate(name), format!("{name} may log in again")),
            // A role that is rotated in place goes on with another password, or none.
            Deed::Retire if self.roles.twins.is_none() => {
                (statements::forget(name), format!("{name} has no password any more"))
            }
            Deed::Retire => (
                statements::retire(name),
                format!("{name} has no password and no login any more"),
            ),
        };
        let mut run = vec![statement];
        // A twin that was adopted is known again the next time.
        if self.is_twin() && self.state().is_some_and(|state| state.mark().is_none()) {
            run.push(statements::comment(name, &Mark::of(self.id)));
        }
        Decision::Run(run, told)
    }

    /// What lets the version's twin log in with `secret`, beside what is accepted already.
    pub(super) fn stage(&self, secret: &str, server: i32) -> Result<Vec<String>, PortError> {
        let (name, owner) = (self.name, &self.roles.owner);
        let Some(like) = self.snapshot.get(owner.as_str()) else {
            let message = format!(
                "there is no role {owner}, of which twins could be members; make it with `CREATE ROLE {} NOLOGIN` and grant it what the application needs",
                owner.quoted()
            );
            return Err(PortError::permanent(ErrorKind::NotFound, message));
        };
        if !self.is_twin() {
            let message = format!("{name} is not one of the twins of {owner}: a defect, please report it");
            return Err(PortError::permanent(ErrorKind::Internal, message));
        }
        if like.superuser {
            return Err(superuser(owner));
        }
        let mut run = match self.state() {
            None => statements::create(name, self.reference().unwrap_or(like), secret),
            Some(state) => {
                self.may_be_changed(state)?;
                vec![statements::accept(name, secret)]
            }
        };
        let member = |state: &RoleState| state.member_of.iter().any(|group| group == owner.as_str());
        if !self.state().is_some_and(member) {
            run.push(statements::join(name, owner, server));
        }
        if self.state().and_then(|state| state.setting(ROLE)) != Some(owner.as_str()) {
            run.push(statements::act_as(name.as_str(), owner));
        }
        run.push(statements::comment(name, &Mark::of(self.id)));
        Ok(run)
    }

    /// The role that consumers use now, as far as the roles themselves tell: the other twin while it may log in; else the adopted
    /// role while it may; else (in a containment) the other twin all the same.
    pub(super) fn reference(&self) -> Option<&RoleState> {
        let other = self
            .roles
            .other(self.name)
            .and_then(|other| self.snapshot.get(other.as_str()));
        let owner = self.snapshot.get(self.roles.owner.as_str());
        let in_use = |state: &&RoleState| state.login;
        other.filter(in_use).or(owner.filter(in_use)).or(other).or(owner)
    }

    /// What whoever switched to the twin would lose or win.
    pub(super) fn differences(&self) -> Vec<Difference> {
        match (self.reference(), self.state()) {
            (Some(reference), Some(twin)) => drift::differences(reference, twin, &self.roles.owner),
            _ => Vec::new(),
        }
    }

    /// Only a role that Keywheel knows as its own gets another password.
    pub(super) fn may_be_changed(&self, state: &RoleState) -> Result<(), PortError> {
        if state.superuser {
            return Err(superuser(self.name));
        }
        match state.mark() {
            Some(mark) if mark.credential == self.id.credential.as_str() => Ok(()),
            Some(mark) => Err(another_credential(self.name, &mark)),
            None => {
                let by_hand = Mark {
                    credential: self.id.credential.to_string(),
                    version: None,
                };
                let message = format!(
                    "there is a role {} already that Keywheel did not make; choose other names in `twins`, or, if nobody uses it, say that it may be taken: {}",
                    self.name,
                    statements::comment(self.name, &by_hand)
                );
                Err(PortError::permanent(ErrorKind::Conflict, message))
            }
        }
    }
}

/// The first differences as one refusal.
pub(super) fn refusal(differences: &[Difference]) -> Option<PortError> {
    const SHOWN: usize = 3;
    let (first, more) = (differences.first()?, differences.len().saturating_sub(SHOWN));
    let mut message = format!(
        "the twins are not alike, so that a switch would change more than a password: {}",
        first.what
    );
    for difference in differences.iter().take(SHOWN).skip(1) {
        message.push_str("; ");
        message.push_str(&difference.what);
    }
    if more > 0 {
        message.push_str(&format!("; and {more} more, which `keywheel doctor` lists"));
    }
    message.push_str(&format!(". Make them alike, for example by `{}`", first.fix));
    Some(PortError::permanent(ErrorKind::Conflict, message))
}

fn superuser(name: &RoleName) -> PortError {
    let message = format!(
        "{name} is a superuser, and Keywheel changes none; give the application a role of its own: ALTER ROLE {} NOSUPERUSER",
        name.quoted()
    );
    PortError::permanent(ErrorKind::Invalid, message)
}

fn another_credential(name: &RoleName, mark: &Mark) -> PortError {
    let message = format!(
        "{name} belongs to the credential {}; two credentials cannot share a twin: choose other names in `twins`",
        mark.credential
    );
    PortError::permanent(ErrorKind::Conflict, message)
}

#[cfg(test)]
mod tests;
