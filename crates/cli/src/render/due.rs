//! What is due.

use jiff::Timestamp;
use keywheel_app::AppError;
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::trigger::Trigger;
use serde_json::{Value, json};

use super::run::chain;
use super::{table, time};
use crate::wire::Session;

/// Something that is due, and what would be done about it.
#[derive(Debug)]
pub(crate) struct DueLine {
    credential: CredentialName,
    rotation: Option<RotationId>,
    since: Option<Timestamp>,
    what: String,
}

/// A credential that is due.
pub(crate) async fn credential(session: &Session, name: &CredentialName) -> anyhow::Result<DueLine> {
    let known = session.keywheel.credential(name).await?;
    let now = session.ports.clock.now();
    let begins = known.as_ref().and_then(|known| known.may_begin_at());
    let planned = session.keywheel.plan(name, &Trigger::Routine).await;
    let what = match planned {
        Err(AppError::UnknownCredential(_)) => "not configured here: left alone".to_owned(),
        Err(error) => format!("cannot begin: {}", chain(&error)),
        Ok(_) if begins.is_some_and(|at| at > now) => {
            let at = begins.map(time::moment).unwrap_or_default();
            format!("went back: is tried again at {at}")
        }
        Ok(plan) => format!("would begin: {} steps", plan.steps().len()),
    };
    Ok(DueLine {
        credential: name.clone(),
        rotation: None,
        since: known.and_then(|known| known.next_due),
        what,
    })
}

/// A rotation whose time has come.
pub(crate) async fn rotation(session: &Session, id: &RotationId) -> anyhow::Result<DueLine> {
    let rotation = session.keywheel.rotation(id).await?;
    let status = session.keywheel.status_of(&rotation);
    let step = status.step.unwrap_or_else(|| "its end".to_owned());
    Ok(DueLine {
        credential: rotation.credential().clone(),
        rotation: Some(id.clone()),
        since: Some(rotation.step_since()),
        what: format!("would go on at {step}: {}", status.next),
    })
}

/// All of it for people.
pub(crate) fn text(lines: &[DueLine]) -> String {
    let head = ["credential", "since", "what"];
    let rows = lines.iter().map(|line| {
        [
            line.credential.to_string(),
            line.since.map_or_else(|| "-".to_owned(), time::moment),
            line.what.clone(),
        ]
    });
    table::table(&head, rows)
}

/// One of it for programs.
pub(crate) fn json(line: &DueLine) -> Value {
    json!({ "credential": line.credential, "rotation": line.rotation, "since": line.since, "what": line.what })
}
