//! `keywheel rollback`

use keywheel_domain::rotation::Rotation;

use crate::args::{GlobalArgs, RollbackArgs};
use crate::commands::{actor, drive};
use crate::exit::{Exit, Problem};
use crate::output;

pub(crate) async fn run(global: &GlobalArgs, args: &RollbackArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let keywheel = &driving.session.keywheel;
    let id = keywheel.active(&args.credential).await?;
    let rotation = keywheel.rotation(&id).await?;
    if args.dry_run {
        driving.end();
        return show(&rotation);
    }
    let by = actor(global);
    if rotation.position().unwinding {
        // It is on its way back already: a stuck one is told to go on.
        keywheel.resume(&id, &by).await?;
    } else {
        keywheel.rollback(&id, &args.reason, &by).await?;
    }
    driving.drive(&id, true).await
}

fn show(rotation: &Rotation) -> anyhow::Result<Exit> {
    let position = rotation.position();
    let steps = if position.unwinding {
        &rotation.script()[position.index..]
    } else if rotation.can_unwind() {
        rotation.plan().unwinding(position.index)
    } else {
        let message =
            "there is no way back any more: the old version is being destroyed; `keywheel resume` ends the rotation";
        return Err(Problem::new(Exit::Failed, message).into());
    };
    for (number, step) in steps.iter().enumerate() {
        output::line(format!("{:>2}  {step}", number + 1));
    }
    Ok(Exit::Done)
}
