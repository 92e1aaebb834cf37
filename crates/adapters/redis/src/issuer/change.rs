//! What is changed about a user on one node. Each change looks first, asks for what is missing in one command, and asks for nothing
//! where nothing is: doing it twice is doing it once.

use keywheel_domain::ports::{ErrorKind, PortError};

use crate::acl::User;
use crate::ask::Ask;
use crate::material::Credential;
use crate::node::Node;

/// One change of a user. None of them can touch a password that is not the version's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Accept the password beside the others of the user.
    AddPassword,
    /// Accept it no longer.
    RemovePassword,
    /// A twin with the rights of the user that is in use.
    MakeTwin,
    /// A twin that accepts nobody for a while.
    TurnOff,
    /// The same twin again.
    TurnOn,
    /// A twin that accepts nobody, and has lost its password.
    TurnOffForGood,
}

/// A change that failed, and whether anything may have come of it.
pub(super) type Changed = Result<(), PortError>;

impl Change {
    /// What was done, for people.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::AddPassword => "the password was added to",
            Self::RemovePassword => "the password was removed from",
            Self::MakeTwin => "the rights were copied to, and the password given to,",
            Self::TurnOff => "nobody may log in any more as",
            Self::TurnOn => "it is possible again to log in as",
            Self::TurnOffForGood => "it was turned off, and the password removed:",
        }
    }

    pub(super) async fn make(self, node: &Node, of: &Credential) -> Changed {
        let modifiers = match self {
            // Redis makes no user of this alone, so it may be asked for without a look.
            Self::RemovePassword => vec![format!("!{}", of.hash)],
            Self::MakeTwin => self.twin(node, of).await?,
            _ => self.modifiers(node, of, look(node, &of.user).await?)?,
        };
        if modifiers.is_empty() {
            return Ok(());
        }
        let asked = node
            .call(Ask::new("ACL SETUSER").word(&of.user).words(&modifiers))
            .await;
        match asked {
            Ok(_) => Ok(()),
            // It is gone: by us, by somebody else, or by an earlier attempt that came late.
            Err(failure) if self.removes() && failure.says("does not exist") => Ok(()),
            Err(failure) => Err(failure.port("change the user", &node.address)),
        }
    }

    fn removes(self) -> bool {
        matches!(self, Self::RemovePassword | Self::TurnOffForGood)
    }

    /// What is missing for the change, in the words of ACL SETUSER.
    fn modifiers(self, node: &Node, of: &Credential, user: Option<User>) -> Result<Vec<String>, PortError> {
        let Some(user) = user else {
            return match self {
                Self::RemovePassword | Self::TurnOff | Self::TurnOffForGood => Ok(Vec::new()),
                Self::AddPassword | Self::TurnOn | Self::MakeTwin => Err(no_user(node, &of.user)),
            };
        };
        let add = (!user.has(&of.hash)).then(|| format!("#{}", of.hash));
        let remove = user.has(&of.hash).then(|| format!("!{}", of.hash));
        let off = user.on.then(|| "off".to_owned());
        let on = (!user.on).then(|| "on".to_owned());
        let modifiers = match self {
            Self::AddPassword => {
                refuse_open(node, &of.user, &user)?;
                refuse_off(node, &of.user, &user)?;
                [None, add]
            }
            Self::RemovePassword => [None, remove],
            Self::TurnOn | Self::MakeTwin => [on, add],
            Self::TurnOff => [off, None],
            Self::TurnOffForGood => [off, remove],
        };
        Ok(modifiers.into_iter().flatten().collect())
    }

    /// Rights, password and login in one command: at no moment is there a twin with a login and other rights.
    async fn twin(self, node: &Node, of: &Credential) -> Result<Vec<String>, PortError> {
        let missing = || {
            let message = "the version does not say whose rights its user gets; it was not made by this issuer";
            PortError::permanent(ErrorKind::Invalid, message)
        };
        let model = of.rights_of.as_ref().ok_or_else(missing)?;
        let (twin, found) = (look(node, &of.user).await?, look(node, model).await?);
        let found = found.ok_or_else(|| no_user(node, model))?;
        refuse_open(node, model, &found)?;
        let Some(twin) = twin else {
            let access = ["on".to_owned(), format!("#{}", of.hash)];
            return Ok([found.rules, access.to_vec()].concat());
        };
        refuse_open(node, &of.user, &twin)?;
        let rights = match twin.rules == found.rules {
            true => Vec::new(),
            false => found.rules,
        };
        Ok([rights, self.modifiers(node, of, Some(twin))?].concat())
    }

    /// Reads back whether the node has it as the change leaves it.
    pub(super) async fn is_there(self, node: &Node, of: &Credential) -> Changed {
        let user = node.user(&of.user).await;
        let user = user.map_err(|failure| failure.port("read the user back", &node.address).with_unknown_effect())?;
        let accepted = user.as_ref().is_some_and(|user| user.accepts(&of.hash));
        let known = user.as_ref().is_some_and(|user| user.has(&of.hash));
        let right = match self {
            Self::AddPassword | Self::MakeTwin | Self::TurnOn => accepted,
            Self::TurnOff => !accepted,
            Self::RemovePassword | Self::TurnOffForGood => !accepted && !known,
        };
        if right {
            return Ok(());
        }
        let message = format!(
            "the user {} of {} is not as it was just set; somebody else changes it, too",
            of.user, node.address
        );
        Err(PortError::transient(ErrorKind::Conflict, message).with_unknown_effect())
    }
}

async fn look(node: &Node, user: &str) -> Result<Option<User>, PortError> {
    let found = node.user(user).await;
    found.map_err(|failure| failure.port("look at the user", &node.address))
}

fn no_user(node: &Node, user: &str) -> PortError {
    let message = format!(
        "{} has no user {user:?}; users are not replicated: create it there with the rights that it has elsewhere",
        node.address
    );
    PortError::permanent(ErrorKind::NotFound, message)
}

/// A user without a password needs none and refuses none.
fn refuse_open(node: &Node, name: &str, user: &User) -> Result<(), PortError> {
    if !user.nopass {
        return Ok(());
    }
    let message = format!(
        "the user {name:?} of {} is `nopass` and accepts every password, so that none can be rotated; give it one first",
        node.address
    );
    Err(PortError::permanent(ErrorKind::Invalid, message))
}

/// Turning somebody's user on is not for a rotation to decide.
fn refuse_off(node: &Node, name: &str, user: &User) -> Result<(), PortError> {
    if user.on {
        return Ok(());
    }
    let message = format!(
        "the user {name:?} of {} is `off` and accepts no password; turn it on with ACL SETUSER, or stop rotating it",
        node.address
    );
    Err(PortError::permanent(ErrorKind::Invalid, message))
}
