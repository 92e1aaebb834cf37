//! `keywheel resume`

use crate::args::{GlobalArgs, ResumeArgs};
use crate::commands::{actor, drive};
use crate::exit::Exit;

pub(crate) async fn run(global: &GlobalArgs, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let keywheel = &driving.session.keywheel;
    let id = keywheel.active(&args.credential).await?;
    let by = actor(global);
    driving.patiently(async || keywheel.resume(&id, &by).await).await?;
    driving.drive(&id, false).await
}
