//! `keywheel init`

mod text;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use dialoguer::{Input, Select};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::ErrorKind as PortErrorKind;
use keywheel_domain::schedule::Period;

use crate::args::{GlobalArgs, InitArgs, InitKind};
use crate::config::{Config, PLACES};
use crate::exit::{Exit, Problem};
use crate::output::{self, Style};
use crate::wire::{self, State};

const KEY_FILE: &str = "keywheel.key";

/// What flags, questions and defaults say.
struct Answers {
    kind: InitKind,
    name: CredentialName,
    folder: PathBuf,
    period: Period,
}

pub(crate) async fn run(global: &GlobalArgs, args: &InitArgs) -> anyhow::Result<Exit> {
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(PLACES[0]));
    if path.exists() {
        return add(&path, args);
    }
    let answers = if args.yes || !output::can_ask() {
        defaults(args, args.kind.unwrap_or_default())?
    } else {
        ask(args)?
    };
    let text = text::whole(&answers.filled())?;
    let config = Config::parse(&path, &text)?;
    if args.dry_run {
        output::raw(text.as_bytes());
        return Ok(Exit::Done);
    }
    let key = config.base.join(KEY_FILE);
    match wire::create_key_file(&key) {
        Ok(id) => wrote(
            &key,
            &format!("the key {id}, which seals everything: keep a copy of it apart from the database"),
        ),
        Err(error) if error.kind == PortErrorKind::Conflict => {
            output::note(format!("kept  {}, which exists", key.display()))
        }
        Err(error) => return Err(error.into()),
    }
    write_new(&path, &text)?;
    wrote(&path, "the configuration, with everything that can be set");
    wire::open_state(&config.state, State::Make).await?;
    wrote(Path::new(&config.state.to_string()), "the database");
    let name = &answers.name;
    output::note(format!(
        "next: look through the configuration, then `keywheel doctor` and `keywheel adopt {name}`"
    ));
    Ok(Exit::Done)
}

/// A configuration that exists is left as it is. What would have to stand in it for one more credential can be shown.
fn add(path: &Path, args: &InitArgs) -> anyhow::Result<Exit> {
    let shown = path.display();
    if !args.dry_run {
        let message = format!(
            "{shown} exists and is left as it is; edit it, add a credential with `keywheel init --kind KIND --name NAME --dry-run >> {shown}`, or write another one with --config FILE"
        );
        return Err(Problem::new(Exit::Failed, message).into());
    }
    let answers = defaults(args, args.kind.unwrap_or_default())?;
    let text = text::credential(&answers.filled())?;
    let known = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    Config::parse(path, &format!("{known}\n{text}"))
        .context("with one more credential the configuration could not be used")?;
    output::raw(format!("\n{text}").as_bytes());
    Ok(Exit::Done)
}

impl Answers {
    fn filled(&self) -> text::Answers<'_> {
        text::Answers {
            kind: self.kind,
            name: &self.name,
            folder: &self.folder,
            period: self.period,
        }
    }
}

fn wrote(path: &Path, what: &str) {
    output::note(format!("{} {}: {what}", Style::Good.paint("wrote"), path.display()));
}

fn defaults(args: &InitArgs, kind: InitKind) -> anyhow::Result<Answers> {
    let (name, folder, months) = match kind {
        InitKind::JwtSigningKey => ("app/jwt", "keys", 6),
        #[cfg(feature = "postgres")]
        InitKind::PostgresqlPassword => ("app/postgres", "database", 3),
        #[cfg(feature = "redis")]
        InitKind::RedisPassword => ("app/redis", "cache", 3),
    };
    Ok(Answers {
        kind,
        name: args.name.clone().map_or_else(|| name.parse(), Ok)?,
        folder: args.folder.clone().unwrap_or_else(|| PathBuf::from(folder)),
        period: args.period.unwrap_or(Period::months(months)),
    })
}

/// Asks for what no flag gave.
fn ask(args: &InitArgs) -> anyhow::Result<Answers> {
    let unread = "the answer could not be read";
    let kind = match args.kind {
        Some(kind) => kind,
        None => ask_kind().context(unread)?,
    };
    let defaults = defaults(args, kind)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => Input::new()
            .with_prompt("Name of the credential")
            .default(defaults.name)
            .interact_text()
            .context(unread)?,
    };
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => {
            let usual = defaults.folder.display().to_string();
            let question = Input::<String>::new().with_prompt("Folder that the applications read it from");
            question.default(usual).interact_text().context(unread)?.into()
        }
    };
    let period = match args.period {
        Some(period) => period,
        None => Input::new()
            .with_prompt("Rotated every")
            .default(defaults.period)
            .interact_text()
            .context(unread)?,
    };
    Ok(Answers {
        kind,
        name,
        folder,
        period,
    })
}

fn ask_kind() -> dialoguer::Result<InitKind> {
    let kinds = InitKind::value_variants();
    if let [only] = kinds {
        return Ok(*only);
    }
    let names = kinds.iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
    let chosen = Select::new()
        .with_prompt("What is rotated")
        .items(&names)
        .default(0)
        .interact()?;
    Ok(kinds[chosen])
}

/// Writes a file that must not be there yet, so that two of these at once cannot overwrite each other's.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        let said = match error.kind() {
            ErrorKind::AlreadyExists => format!("{} exists and is left as it is", path.display()),
            ErrorKind::NotFound => format!("the folder of {} does not exist; make it first", path.display()),
            _ => format!("{} cannot be written", path.display()),
        };
        anyhow::Error::from(error).context(said)
    })
}
