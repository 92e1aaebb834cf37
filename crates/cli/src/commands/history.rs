//! `keywheel history`

use keywheel_app::AppError;
use keywheel_domain::id::RotationId;

use crate::args::{GlobalArgs, HistoryArgs};
use crate::commands::{look, tell_problems};
use crate::exit::Exit;
use crate::output;
use crate::render::history;
use crate::wire::Session;

pub(crate) async fn run(global: &GlobalArgs, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let session = look(global, args.credential.as_ref()).await?;
    if let Some(rotation) = &args.rotation {
        return one(&session, rotation, args).await;
    }
    let (mut rotations, mut problems) = (Vec::new(), Vec::new());
    for line in session.keywheel.list().await? {
        for id in session.keywheel.rotations(&line.name).await? {
            match session.keywheel.rotation(&id).await {
                Ok(rotation) => rotations.push(rotation),
                Err(error) => problems.push((line.name.clone(), error)),
            }
        }
        // The journal needs no backend, so its history is complete; that it cannot be used is said all the same.
        let unusable = line
            .problem
            .filter(|problem| matches!(problem, AppError::Unusable { .. }));
        problems.extend(unusable.map(|problem| (line.name, problem)));
    }
    // Identities of rotations sort by time.
    rotations.sort_by(|one, other| other.id().cmp(one.id()));
    if args.json {
        output::json(&rotations.iter().map(history::json).collect::<Vec<_>>());
    } else if rotations.is_empty() {
        // What cannot be read may have been rotated.
        if problems.is_empty() {
            output::note("nothing was rotated yet");
        }
    } else {
        output::line(history::text(&rotations));
    }
    Ok(tell_problems(problems))
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
