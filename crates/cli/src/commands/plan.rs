//! `keywheel plan`

use keywheel_domain::trigger::Trigger;

use crate::args::{GlobalArgs, PlanArgs, TriggerArgs};
use crate::commands::look;
use crate::exit::Exit;
use crate::render::plan;
use crate::{output, surroundings};

/// Without any word on it: the next routine rotation.
pub(super) fn trigger(args: &TriggerArgs) -> Option<Trigger> {
    match (&args.emergency, &args.reason) {
        (Some(incident), _) => Some(Trigger::Emergency {
            incident: incident.clone(),
            mode: args.mode.into(),
            live_tokens: args.live_tokens.into(),
        }),
        (None, Some(reason)) => Some(Trigger::Manual { reason: reason.clone() }),
        (None, None) => None,
    }
}

pub(crate) async fn run(global: &GlobalArgs, args: &PlanArgs) -> anyhow::Result<Exit> {
    let session = look(global, Some(&args.credential)).await?;
    let credential = session.credential(&args.credential).await?;
    let (plan, why) = match &credential.active {
        Some(active) => {
            output::note(format!("rotation {active} is under way; this is its plan"));
            let rotation = session.keywheel.rotation(active).await?;
            (rotation.plan().clone(), rotation.trigger().reason())
        }
        None => {
            let trigger = trigger(&args.trigger).unwrap_or(Trigger::Routine);
            (
                session.keywheel.plan(&args.credential, &trigger).await?,
                trigger.reason(),
            )
        }
    };
    if args.json {
        output::json(&plan::json(&args.credential, &plan, &why));
    } else {
        output::line(plan::text(&args.credential, &plan, &why, surroundings::shows_unicode()));
    }
    Ok(Exit::Done)
}
