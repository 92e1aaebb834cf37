//! `keywheel rotate`

use anyhow::Context;
use jiff::Timestamp;
use keywheel_domain::credential::Credential;
use keywheel_domain::plan::Plan;
use keywheel_domain::ports::Severity;
use keywheel_domain::trigger::Trigger;

use crate::args::{GlobalArgs, RotateArgs};
use crate::commands::drive::Driving;
use crate::commands::plan::trigger;
use crate::commands::{actor, drive};
use crate::exit::{Exit, Problem};
use crate::render::{self, findings, time};
use crate::{output, surroundings};

pub(crate) async fn run(global: &GlobalArgs, args: RotateArgs) -> anyhow::Result<Exit> {
    let driving = drive::open(global, &args.credential, &args.drive).await?;
    let session = &driving.session;
    let credential = session.idle(&args.credential).await?;
    let trigger = match trigger(&args.trigger) {
        Some(trigger) => trigger,
        None => without_a_word(&credential, session.ports.clock.now(), args.dry_run)?,
    };
    let plan = session.keywheel.plan(&args.credential, &trigger).await?;
    if args.dry_run {
        return dry_run(&driving, &args, &plan, &trigger).await;
    }
    if !args.yes && !confirmed(&args, &plan, &trigger)? {
        output::note("nothing was begun");
        return Ok(Exit::Failed);
    }
    let id = session.keywheel.open(&args.credential, trigger, &actor(global)).await?;
    output::note(format!(
        "rotation {id} has begun; Ctrl-C leaves it to `keywheel resume {}`",
        args.credential
    ));
    driving.drive(&id, false).await
}

/// What nobody gave a reason for is routine where it is due. Where it is not somebody has to say why it is rotated early.
fn without_a_word(credential: &Credential, now: Timestamp, dry_run: bool) -> anyhow::Result<Trigger> {
    if dry_run || credential.next_due.is_some_and(|due| due <= now) {
        return Ok(Trigger::Routine);
    }
    let due = credential.next_due.map_or_else(|| "never".to_owned(), time::day);
    if !output::can_ask() {
        let name = &credential.name;
        let message = format!("{name} is not due (next: {due}); say why it is rotated early with --reason TEXT");
        return Err(Problem::usage(message).into());
    }
    output::note(format!("{} is not due (next: {due})", credential.name));
    let reason: String = dialoguer::Input::new()
        .with_prompt("Why is it rotated early?")
        .interact_text()
        .context("the answer could not be read")?;
    Ok(Trigger::Manual { reason })
}

/// Shows what will happen and asks. Where nobody can be asked, nothing is begun.
fn confirmed(args: &RotateArgs, plan: &Plan, trigger: &Trigger) -> anyhow::Result<bool> {
    if !output::can_ask() {
        let message =
            "nobody can be asked whether to begin: standard input is no terminal; add --yes if that is decided";
        return Err(Problem::usage(message).into());
    }
    output::note(format!(
        "{}: version {} after version {} ({})",
        args.credential,
        plan.new_version(),
        plan.old(),
        trigger.reason()
    ));
    output::note(render::plan::summary(plan));
    let asked = dialoguer::Confirm::new()
        .with_prompt("Begin?")
        .default(false)
        .interact();
    asked.context("the answer could not be read")
}

/// The plan and what a preflight would find.
async fn dry_run(driving: &Driving, args: &RotateArgs, plan: &Plan, trigger: &Trigger) -> anyhow::Result<Exit> {
    driving.end();
    let found = driving.session.keywheel.doctor(&args.credential).await?;
    let blocked = found.iter().any(|finding| finding.severity == Severity::Blocker);
    let why = trigger.reason();
    if args.drive.json {
        let mut value = render::plan::json(&args.credential, plan, &why);
        let found: Vec<_> = found
            .iter()
            .map(|finding| findings::finding_json(Some(&args.credential), finding))
            .collect();
        value["findings"] = found.into();
        output::json(&value);
    } else {
        output::line(render::plan::text(
            &args.credential,
            plan,
            &why,
            surroundings::shows_unicode(),
        ));
        output::line("\nwhat the preflight would find:");
        found
            .iter()
            .for_each(|finding| output::line(findings::finding(finding)));
        output::note("this was a dry run: nothing was begun");
    }
    Ok(if blocked { Exit::Wrong } else { Exit::Done })
}
