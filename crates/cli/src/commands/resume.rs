//! `keywheel resume`

use crate::args::{GlobalArgs, ResumeArgs};
use crate::commands::{actor, drive};
use crate::exit::Exit;
use crate::output;

pub(crate) async fn run(global: &GlobalArgs, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let keywheel = &driving.session.keywheel;
    let id = keywheel.active(&args.credential).await?;
    if args.dry_run {
        driving.end();
        let status = keywheel.status_of(&keywheel.rotation(&id).await?);
        let step = status.step.as_deref().unwrap_or("its end");
        output::line(format!("rotation {id} stands at {step}: {}", status.next));
        return Ok(Exit::Done);
    }
    keywheel.resume(&id, &actor(global)).await?;
    driving.drive(&id, false).await
}
