//! `keywheel approve`

use crate::args::{ApproveArgs, GlobalArgs};
use crate::commands::{actor, drive};
use crate::exit::Exit;
use crate::output;
use crate::render::plan;

pub(crate) async fn run(global: &GlobalArgs, args: &ApproveArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let keywheel = &driving.session.keywheel;
    let id = keywheel.active(&args.credential).await?;
    if args.dry_run {
        driving.end();
        let rotation = keywheel.rotation(&id).await?;
        output::line(format!(
            "rotation {id}: {} ({})",
            rotation.requested_by(),
            rotation.trigger().reason()
        ));
        output::line(plan::summary(rotation.plan()));
        return Ok(Exit::Done);
    }
    keywheel.approve(&id, &actor(global)).await?;
    driving.drive(&id, false).await
}
