//! `keywheel adopt`

mod file;
mod key_pair;
#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
mod login;

use std::sync::Arc;

use jiff::Timestamp;
use keywheel_app::{Adopted, AppError, Silent};
use keywheel_domain::material::Material;
use keywheel_domain::ports::Severity;
use keywheel_domain::version::Attributes;
use serde_json::json;

use crate::args::{AdoptArgs, GlobalArgs};
use crate::commands::{actor, known};
use crate::config::{Config, IssuerConfig};
use crate::exit::{Exit, Problem};
use crate::output::{self, Style};
use crate::render::{findings, time};
use crate::wire::{self, Session, State, Which};

/// What exists and was read.
struct Existing {
    material: Material,
    /// Where it was found, for people.
    origin: String,
    /// When it was made, as far as that can be told.
    written: Option<Timestamp>,
}

pub(crate) async fn run(global: &GlobalArgs, args: &AdoptArgs) -> anyhow::Result<Exit> {
    let session = open(global, args, State::Try).await?;
    if session.keywheel.credential(&args.credential).await?.is_some() {
        return Err(AppError::AlreadyAdopted(args.credential.clone()).into());
    }
    let existing = if args.create { None } else { Some(read(&session, args)?) };
    let created_at = created_at(&session, args, existing.as_ref())?;
    if args.dry_run {
        return describe(&session, args, existing.as_ref(), created_at).await;
    }
    // Only now, so that an adoption that cannot be leaves nothing behind, not even an empty database.
    let session = open(global, args, State::Make).await?;
    let (keywheel, by) = (&session.keywheel, actor(global));
    let adopted = match existing {
        Some(Existing { material, .. }) => keywheel.adopt(&args.credential, &material, created_at, &by).await?,
        None => keywheel.create(&args.credential, &by).await?,
    };
    show(&adopted, args)
}

async fn open(global: &GlobalArgs, args: &AdoptArgs, state: State) -> anyhow::Result<Session> {
    let config = Config::load(global.config.as_deref())?;
    known(&config, &args.credential)?;
    wire::open(config, Which::Only(&args.credential), state, Arc::new(Silent)).await
}

fn show(Adopted { credential, evidence }: &Adopted, args: &AdoptArgs) -> anyhow::Result<Exit> {
    if args.json {
        output::json(credential);
        return Ok(Exit::Done);
    }
    let attributes = credential.current().map(|version| &version.attributes);
    let done = Style::Good.paint("adopted");
    output::line(format!(
        "{done} {} as version 1{}",
        credential.name,
        attributes.map(public).unwrap_or_default()
    ));
    let due = credential.next_due.map_or_else(|| "never".to_owned(), time::day);
    output::line(format!("made on {}, due on {due}", time::day(credential.rotated_at)));
    for shown in evidence {
        output::line(format!("delivered {}", shown.detail));
    }
    Ok(Exit::Done)
}

fn public(attributes: &Attributes) -> String {
    let shown = ["alg", "bits", "kid", "username"]
        .into_iter()
        .filter_map(|name| attributes.get(name).map(|value| format!("{name} {value}")));
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() {
        String::new()
    } else {
        format!(" ({})", shown.join(", "))
    }
}

/// What an adoption would do.
async fn describe(
    session: &Session,
    args: &AdoptArgs,
    existing: Option<&Existing>,
    created_at: Timestamp,
) -> anyhow::Result<Exit> {
    let wiring = session.keywheel.wiring(&args.credential)?;
    let attributes = existing
        .map(|existing| wiring.issuer.describe(&existing.material))
        .transpose()?;
    let stores: Vec<_> = wiring.stores.iter().map(|store| store.name().to_owned()).collect();
    let mut warnings = Vec::new();
    for store in &wiring.stores {
        let found = store.preflight().await?;
        warnings.extend(found.into_iter().filter(|finding| finding.severity > Severity::Fine));
    }
    if args.json {
        let warnings = warnings
            .iter()
            .map(|found| findings::finding_json(Some(&args.credential), found));
        output::json(&json!({
            "credential": args.credential,
            "origin": existing.map(|existing| &existing.origin),
            "created_at": existing.map(|_| created_at),
            "attributes": attributes,
            "stores": stores,
            "findings": warnings.collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    match existing {
        Some(Existing { origin, .. }) => {
            let public = attributes.as_ref().map(public).unwrap_or_default();
            output::line(format!("would adopt {origin} as version 1{public}"));
            output::line(format!("made on {}", time::day(created_at)));
        }
        None => output::line(format!("would make version 1 of {}", args.credential)),
    }
    output::line(format!("shown in: {}", stores.join(", ")));
    for warning in &warnings {
        output::line(findings::finding(warning));
    }
    output::note("this was a dry run: nothing was changed");
    Ok(Exit::Done)
}

/// Reads what exists, in the way of the credential's kind.
fn read(session: &Session, args: &AdoptArgs) -> anyhow::Result<Existing> {
    let configured = session.config.credential(&args.credential);
    let configured = configured.ok_or_else(|| AppError::UnknownCredential(args.credential.clone()))?;
    match &configured.issuer {
        IssuerConfig::KeyRing(_) => key_pair::read(session, configured, args),
        #[cfg(feature = "postgres")]
        IssuerConfig::Postgres(_) => login::read(configured, args),
        #[cfg(feature = "redis")]
        IssuerConfig::Redis(_) => login::read(configured, args),
    }
}

/// What the arguments say, or else what is known of what exists, or else now.
fn created_at(session: &Session, args: &AdoptArgs, existing: Option<&Existing>) -> anyhow::Result<Timestamp> {
    let now = session.ports.clock.now();
    let written = existing.and_then(|existing| existing.written).unwrap_or(now);
    let created_at = args.created_at.unwrap_or(written.min(now));
    if created_at > now {
        return Err(Problem::usage(format!("--created-at {} lies in the future", time::moment(created_at))).into());
    }
    Ok(created_at)
}
