//! `keywheel audit show` and `keywheel audit verify`. They read the database and need no backend and no key.

use anyhow::Context;
use keywheel_domain::audit::{self, AuditRecord, GENESIS};
use serde_json::json;

use crate::args::{AuditShowArgs, AuditVerifyArgs, GlobalArgs};
use crate::config::Config;
use crate::exit::{Exit, Problem};
use crate::output;
use crate::render;
use crate::wire::{self, State};

async fn records(global: &GlobalArgs) -> anyhow::Result<Vec<AuditRecord>> {
    let config = Config::load(global.config.as_deref())?;
    let storage = wire::open_state(&config.state, State::Look).await?;
    storage.audit.read().await.context("the audit log could not be read")
}

pub(crate) async fn show(global: &GlobalArgs, args: &AuditShowArgs) -> anyhow::Result<Exit> {
    let records = records(global).await?;
    if args.json {
        records
            .iter()
            .for_each(|record| output::json(&render::audit::json(record)));
    } else if records.is_empty() {
        output::note("the audit log is empty");
    } else {
        output::line(render::audit::text(&records));
    }
    Ok(Exit::Done)
}

pub(crate) async fn verify(global: &GlobalArgs, args: &AuditVerifyArgs) -> anyhow::Result<Exit> {
    let records = records(global).await?;
    let count = records.len();
    let head = match audit::verify(&records) {
        Ok(head) => head,
        Err(broken) => {
            if args.json {
                output::json(
                    &json!({ "intact": false, "records": count, "broken_at": broken.sequence, "problem": broken.to_string() }),
                );
            }
            return Err(Problem::new(Exit::Wrong, broken.to_string()).into());
        }
    };
    let known = |noted: &String| noted == GENESIS || records.iter().any(|record| record.hash == *noted);
    let noted = args.head.as_ref().map(known);
    if args.json {
        output::json(
            &json!({ "intact": noted != Some(false), "records": count, "head": head, "noted_head_is_in_it": noted }),
        );
    }
    if noted == Some(false) {
        let message = "the noted head is not in the chain: records were cut off or replaced since it was noted; compare with your last exported copy";
        return Err(Problem::new(Exit::Wrong, message).into());
    }
    if !args.json {
        output::line(format!("{count} records, none was changed, removed or moved"));
        output::line(format!("head {head}"));
        if noted.is_none() {
            output::note(
                "note the head somewhere else: with --head the next check shows whether records were cut off at the end",
            );
        }
    }
    Ok(Exit::Done)
}
