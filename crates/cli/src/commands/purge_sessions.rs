//! `keywheel purge-sessions`

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use dialoguer::Confirm;
use jiff::Timestamp;
use keywheel_domain::audit::{AuditEvent, AuditPhase};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::PortError;
use keywheel_redis::Purged;
use serde_json::json;

use crate::args::{GlobalArgs, PurgeArgs};
use crate::commands::{actor, drive, known};
use crate::config::{Config, CredentialConfig};
use crate::exit::{Exit, Problem};
use crate::output::{self, Live};
use crate::render::audit::SESSION_PURGE;
use crate::wire::{self, Sessions, State};

/// How a purge ended, and how far it came.
struct Ended {
    purged: Purged,
    /// `None` where a signal asked it to end.
    result: Option<Result<(), PortError>>,
}

pub(crate) async fn run(global: &GlobalArgs, args: &PurgeArgs) -> anyhow::Result<Exit> {
    let config = Config::load(global.config.as_deref())?;
    known(&config, &args.credential)?;
    let credential = config.credential(&args.credential);
    let found = credential.and_then(|credential| Some((credential, Sessions::of(credential)?)));
    let (credential, sessions) = found.ok_or_else(|| {
        let kind = credential.map_or("unknown", |credential| credential.kind.as_str());
        let message = format!(
            "{} is a {kind}, and sessions are keys of a Redis server: name a credential of kind redis_password",
            args.credential
        );
        Problem::usage(message)
    })?;
    if args.dry_run {
        let ended = purge(sessions, args).await?;
        return show(args, ended);
    }
    if !args.yes && !confirmed(args, sessions)? {
        output::note("nothing was deleted");
        return Ok(Exit::Failed);
    }
    // What is about to be done is on record before anything is deleted.
    let storage = wire::open_state(&config.state, State::Make).await?;
    let begin = begin(args, credential, sessions, &actor(global));
    storage
        .audit
        .append(&begin)
        .await
        .context("the purge could not be put on record, so nothing was deleted")?;
    let ended = purge(sessions, args).await?;
    let recorded = storage.audit.append(&end(begin, sessions, &ended)).await;
    let exit = show(args, ended)?;
    recorded.context("the end of the purge could not be put on record")?;
    Ok(exit)
}

/// Says what will go and asks. Where nobody can be asked, nothing is deleted.
fn confirmed(args: &PurgeArgs, sessions: Sessions<'_>) -> anyhow::Result<bool> {
    if !output::can_ask() {
        let message =
            "nobody can be asked whether to delete: standard input is no terminal; add --yes if that is decided";
        return Err(Problem::usage(message).into());
    }
    output::note(format!("{} ({})", what(args, sessions), args.reason));
    let asked = Confirm::new().with_prompt("Delete them?").default(false).interact();
    asked.context("the answer could not be read")
}

fn what(args: &PurgeArgs, sessions: Sessions<'_>) -> String {
    let (prefix, limit, database) = (&args.prefix, args.limit, args.database);
    let place = sessions.place();
    format!("keys that begin with {prefix:?}, up to {limit}, in database {database} of {place}")
}

/// Works until everything is gone through, the limit is reached, or a signal comes.
async fn purge(sessions: Sessions<'_>, args: &PurgeArgs) -> anyhow::Result<Ended> {
    let (live, so_far) = (Live::new(), Mutex::new(Purged::default()));
    let mut progress = |purged: &Purged| {
        *so_far.lock().unwrap_or_else(PoisonError::into_inner) = *purged;
        live.set(&format!("{} found, {} deleted", purged.found, purged.deleted));
    };
    let request = args.request();
    let result = tokio::select! {
        result = sessions.purge(&request, &mut progress) => Some(result),
        stopped = drive::stop() => stopped.map(|()| None)?,
    };
    live.end();
    let so_far = so_far.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Ended {
        purged: match &result {
            Some(Ok(purged)) => *purged,
            _ => so_far,
        },
        result: result.map(|result| result.map(drop)),
    })
}

fn show(args: &PurgeArgs, ended: Ended) -> anyhow::Result<Exit> {
    let Ended { purged, result } = ended;
    if args.json {
        output::json(&json!({
            "credential": args.credential,
            "prefix": args.prefix,
            "database": args.database,
            "dry_run": args.dry_run,
            "found": purged.found,
            "deleted": purged.deleted,
            "complete": purged.complete,
        }));
    } else if matches!(result, Some(Err(_))) && purged.found == 0 {
        // The error says it all.
    } else if args.dry_run {
        let least = if purged.complete { "" } else { "at least " };
        output::line(format!("{least}{} keys begin with {:?}", purged.found, args.prefix));
        output::note("this was a dry run: nothing was deleted");
    } else {
        output::line(format!(
            "{} keys deleted that began with {:?}",
            purged.deleted, args.prefix
        ));
    }
    match result {
        None => Ok(Exit::Interrupted),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(())) if purged.complete || args.dry_run => Ok(Exit::Done),
        Some(Ok(())) => {
            let message = format!(
                "--limit {} was reached, and keys may be left; repeat it, or raise the limit",
                args.limit
            );
            Err(Problem::new(Exit::Failed, message).into())
        }
    }
}

fn begin(args: &PurgeArgs, credential: &CredentialConfig, sessions: Sessions<'_>, by: &str) -> AuditEvent {
    AuditEvent {
        timestamp: now(),
        event: SESSION_PURGE.to_owned(),
        phase: AuditPhase::Begin,
        credential_type: credential.kind.clone(),
        credential: credential.name.clone(),
        performed_by: by.to_owned(),
        approved_by: None,
        reason: args.reason.clone(),
        rotation: None,
        old_version: None,
        new_version: None,
        success: None,
        downtime_seconds: None,
        canary_samples: 0,
        rollback_required: None,
        incidents: Vec::new(),
        interruptions: vec![format!("sessions end: {}", what(args, sessions))],
        evidence: Vec::new(),
    }
}

fn end(begin: AuditEvent, sessions: Sessions<'_>, ended: &Ended) -> AuditEvent {
    let Purged {
        deleted,
        masters,
        complete,
        ..
    } = ended.purged;
    let incident = match &ended.result {
        None => Some("interrupted".to_owned()),
        Some(Err(error)) => Some(error.chain()),
        Some(Ok(())) if !complete => Some("the limit was reached, and keys may be left".to_owned()),
        Some(Ok(())) => None,
    };
    let detail = format!("{deleted} keys deleted, {masters} masters gone through");
    AuditEvent {
        timestamp: now(),
        phase: AuditPhase::Complete,
        success: Some(incident.is_none()),
        incidents: incident.into_iter().collect(),
        evidence: vec![Evidence::new(EvidenceKind::Changed, sessions.place(), detail)],
        ..begin
    }
}

fn now() -> Timestamp {
    wire::clock().now()
}
