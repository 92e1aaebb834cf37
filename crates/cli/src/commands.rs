//! One file for each verb.

pub(crate) mod adopt;
pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod completions;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod doctor;
mod drive;
pub(crate) mod finish;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod plan;
#[cfg(feature = "redis")]
pub(crate) mod purge_sessions;
pub(crate) mod resume;
pub(crate) mod rollback;
pub(crate) mod rotate;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod verify;

use std::sync::Arc;

use keywheel_app::{AppError, Silent};
use keywheel_domain::id::CredentialName;

use crate::args::GlobalArgs;
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::output;
use crate::surroundings;
use crate::wire::{self, Session, State, Which};

/// Who does this, as the journal and the audit log name them.
fn actor(global: &GlobalArgs) -> String {
    global.actor.clone().unwrap_or_else(surroundings::user)
}

/// What a command looks at: one credential, or all of them where none is named.
async fn look(global: &GlobalArgs, name: Option<&CredentialName>) -> anyhow::Result<Session> {
    let config = Config::load(global.config.as_deref())?;
    let which = match name {
        Some(name) => {
            known(&config, name)?;
            Which::Only(name)
        }
        None => Which::All,
    };
    wire::open(config, which, State::Look, Arc::new(Silent)).await
}

/// Refuses a name that is not configured before anything is opened.
fn known(config: &Config, name: &CredentialName) -> Result<(), AppError> {
    let configured = config.credential(name).is_some();
    configured
        .then_some(())
        .ok_or_else(|| AppError::UnknownCredential(name.clone()))
}

/// Says what is wrong with single credentials, after what is right was shown; the exit code is that of the worst.
fn tell_problems(problems: impl IntoIterator<Item = (CredentialName, AppError)>) -> Exit {
    let mut worst = Exit::Done;
    for (name, problem) in problems {
        let named = matches!(problem, AppError::Unusable { .. });
        let mut error = anyhow::Error::from(problem);
        if !named {
            error = error.context(format!("a rotation of {name} cannot be read"));
        }
        output::error(&error);
        worst = worst.max(exit::of(&error));
    }
    worst
}
