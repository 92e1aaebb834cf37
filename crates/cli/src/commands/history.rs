//! `keywheel history`

use keywheel_app::AppError;
use keywheel_domain::id::RotationId;

use crate::args::{GlobalArgs, HistoryArgs};
use crate::commands::look;
use crate::exit::Exit;
use crate::output;
use crate::render::history;
use crate::wire::Session;

pub(crate) async fn run(global: &GlobalArgs, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let session = look(global, args.credential.as_ref()).await?;
    if let Some(rotation) = &args.rotation {
        return one(&session, rotation, args).await;
    }
    let mut rotations = Vec::new();
    for line in session.keywheel.list().await? {
        rotations.extend(session.keywheel.history(&line.name).await?);
    }
    // Identities of rotations sort by time.
    rotations.sort_by(|one, other| other.id().cmp(one.id()));
    if args.json {
        output::json(&rotations.iter().map(history::json).collect::<Vec<_>>());
    } else if rotations.is_empty() {
        output::note("nothing was rotated yet");
    } else {
        output::line(history::text(&rotations));
    }
    Ok(Exit::Done)
}

async fn one(session: &Session, id: &RotationId, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let rotation = session.keywheel.rotation(id).await?;
    if args
        .credential
        .as_ref()
        .is_some_and(|name| name != rotation.credential())
    {
        return Err(AppError::UnknownRotation(id.clone()).into());
    }
    let entries = session.keywheel.entries(id).await?;
    if args.json {
        let mut value = history::json(&rotation);
        value["entries"] = serde_json::to_value(&entries)?;
        output::json(&value);
    } else {
        output::line(history::entries(&entries)?);
    }
    Ok(Exit::Done)
}
