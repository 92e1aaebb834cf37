//! `keywheel finish`

use keywheel_domain::plan::{Action, Watch};
use keywheel_domain::rotation::Rotation;

use crate::args::{FinishArgs, GlobalArgs};
use crate::commands::{actor, drive};
use crate::exit::Exit;
use crate::output;
use crate::render::time;

pub(crate) async fn run(global: &GlobalArgs, args: &FinishArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let keywheel = &driving.session.keywheel;
    let id = keywheel.active(&args.credential).await?;
    if args.dry_run {
        driving.end();
        let rotation = keywheel.rotation(&id).await?;
        output::line(earliest(&rotation));
        return Ok(Exit::Done);
    }
    keywheel.finish(&id, &actor(global)).await?;
    driving.drive(&id, false).await
}

/// When the grace could end.
fn earliest(rotation: &Rotation) -> String {
    match rotation.action() {
        Some(Action::Watch {
            watch: Watch::Grace,
            length,
            at_least,
        }) => {
            let at = |time| {
                rotation
                    .step_since()
                    .saturating_add(time)
                    .map_or_else(|_| "never".to_owned(), time::moment)
            };
            format!(
                "the grace period ends at {}; it could end at {}",
                at(*length),
                at(*at_least)
            )
        }
        Some(step) => format!("no grace period is running: the rotation stands at {step}"),
        None => "no grace period is running: the rotation is over".to_owned(),
    }
}
