//! `keywheel adopt`

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use keywheel_app::{AppError, Silent};
use keywheel_domain::credential::Credential;
use keywheel_domain::material::Material;
use keywheel_domain::version::Attributes;
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::{AdoptArgs, GlobalArgs};
use crate::commands::{actor, known};
use crate::config::{Config, CredentialConfig};
use crate::exit::{Exit, Problem};
use crate::output::{self, Style};
use crate::render::time;
use crate::wire::{self, Session, State, Which};

/// No key is longer; what is, is something else that was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// A key that was read, with what is known about its file.
struct Existing {
    material: Material,
    private: PathBuf,
    created_at: Timestamp,
}

pub(crate) async fn run(global: &GlobalArgs, args: &AdoptArgs) -> anyhow::Result<Exit> {
    let session = open(global, args, State::Try).await?;
    if session.keywheel.credential(&args.credential).await?.is_some() {
        return Err(AppError::AlreadyAdopted(args.credential.clone()).into());
    }
    let existing = if args.create { None } else { Some(read(&session, args)?) };
    if args.dry_run {
        return describe(&session, args, existing.as_ref());
    }
    // Only now, so that an adoption that cannot be leaves nothing behind, not even an empty database.
    let session = open(global, args, State::Make).await?;
    let (keywheel, by) = (&session.keywheel, actor(global));
    let credential = match existing {
        Some(Existing {
            material, created_at, ..
        }) => keywheel.adopt(&args.credential, &material, created_at, &by).await?,
        None => keywheel.create(&args.credential, &by).await?,
    };
    show(&credential, args)
}

async fn open(global: &GlobalArgs, args: &AdoptArgs, state: State) -> anyhow::Result<Session> {
    let config = Config::load(global.config.as_deref())?;
    known(&config, &args.credential)?;
    wire::open(config, Which::Only(&args.credential), state, Arc::new(Silent)).await
}

fn show(credential: &Credential, args: &AdoptArgs) -> anyhow::Result<Exit> {
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
    Ok(Exit::Done)
}

fn public(attributes: &Attributes) -> String {
    let shown = ["alg", "bits", "kid"]
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
fn describe(session: &Session, args: &AdoptArgs, existing: Option<&Existing>) -> anyhow::Result<Exit> {
    let wiring = session.keywheel.wiring(&args.credential)?;
    let attributes = existing
        .map(|existing| wiring.issuer.describe(&existing.material))
        .transpose()?;
    let stores: Vec<_> = wiring.stores.iter().map(|store| store.name().to_owned()).collect();
    if args.json {
        output::json(&json!({
            "credential": args.credential,
            "private_key": existing.map(|existing| &existing.private),
            "created_at": existing.map(|existing| existing.created_at),
            "attributes": attributes,
            "stores": stores,
        }));
        return Ok(Exit::Done);
    }
    match existing {
        Some(Existing {
            private, created_at, ..
        }) => {
            let public = attributes.as_ref().map(public).unwrap_or_default();
            output::line(format!("would adopt {} as version 1{public}", private.display()));
            output::line(format!("made on {}", time::day(*created_at)));
        }
        None => output::line(format!("would make version 1 of {}", args.credential)),
    }
    output::line(format!("shown in: {}", stores.join(", ")));
    output::note("this was a dry run: nothing was changed");
    Ok(Exit::Done)
}

/// The key that the arguments name, or else the configuration, or else the one in the first store.
fn read(session: &Session, args: &AdoptArgs) -> anyhow::Result<Existing> {
    let configured = session.config.credential(&args.credential);
    let private = args
        .private_key
        .clone()
        .or_else(|| configured.and_then(|known| usual_file(known, &session.config.base)));
    let private = private.ok_or_else(|| {
        Problem::usage(
            "nothing says where the existing key is; name it with --private-key, or add `[credential.existing]`",
        )
    })?;
    let named = args
        .public_key
        .clone()
        .or_else(|| configured.and_then(|known| known.existing.public_key.clone()));
    let (pem, written) = read_file(&private)?;
    let public = match named {
        Some(path) => Some(read_file(&path)?.0),
        None => beside(&private)?,
    };
    let key_ring = session.key_ring(&args.credential)?;
    let material = key_ring
        .adopt(&pem, public.as_deref().map(Vec::as_slice))
        .with_context(|| format!("{} cannot be adopted", private.display()))?;
    let now = session.ports.clock.now();
    let created_at = args.created_at.unwrap_or(written.min(now));
    if created_at > now {
        return Err(Problem::usage(format!("--created-at {} lies in the future", time::moment(created_at))).into());
    }
    Ok(Existing {
        material,
        private,
        created_at,
    })
}

fn usual_file(credential: &CredentialConfig, base: &Path) -> Option<PathBuf> {
    let in_store = || {
        credential
            .stores
            .first()
            .map(|store| base.join(&store.folder).join("jwt_private.pem"))
    };
    credential.existing.private_key.clone().or_else(in_store)
}

/// `jwt_public.pem` beside the private key, where there is one.
fn beside(private: &Path) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    let path = private.with_file_name("jwt_public.pem");
    if private.ends_with("jwt_private.pem") && path.exists() {
        return Ok(Some(read_file(&path)?.0));
    }
    Ok(None)
}

/// The file's bytes, in memory that is wiped, and when it was written.
fn read_file(path: &Path) -> anyhow::Result<(Zeroizing<Vec<u8>>, Timestamp)> {
    let explain = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no key at {}; name the file with --private-key, or make a first key with --create",
            path.display()
        ),
        ErrorKind::PermissionDenied => format!("{} cannot be read; run this as a user who may", path.display()),
        _ => format!("{} cannot be read", path.display()),
    };
    let mut file = File::open(path).map_err(|error| {
        let said = explain(&error);
        anyhow::Error::from(error).context(said)
    })?;
    let found = file
        .metadata()
        .with_context(|| format!("{} cannot be read", path.display()))?;
    if !found.is_file() || found.len() > LONGEST {
        return Err(Problem::new(
            Exit::Failed,
            format!("{} is no key file; name the PEM file itself", path.display()),
        )
        .into());
    }
    // With its full size from the start: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default() + 1));
    file.read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let written = Timestamp::from_second(found.mtime()).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok((bytes, written))
}
