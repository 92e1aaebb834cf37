//! `keywheel init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use dialoguer::Input;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::ErrorKind as PortErrorKind;
use keywheel_domain::schedule::Period;

use crate::args::{GlobalArgs, InitArgs};
use crate::config::{Config, PLACES};
use crate::exit::{Exit, Problem};
use crate::output::{self, Style};
use crate::wire::{self, State};

const TEMPLATE: &str = include_str!("init/template.toml");
const KEY_FILE: &str = "keywheel.key";

/// What the template needs to know.
struct Answers {
    name: CredentialName,
    folder: PathBuf,
    period: Period,
}

pub(crate) async fn run(global: &GlobalArgs, args: &InitArgs) -> anyhow::Result<Exit> {
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(PLACES[0]));
    if path.exists() {
        let message = format!(
            "{} exists and is left as it is; edit it, or write another one with --config FILE",
            path.display()
        );
        return Err(Problem::new(Exit::Failed, message).into());
    }
    let answers = if args.yes || !output::can_ask() {
        defaults(args)?
    } else {
        ask(args)?
    };
    let text = fill(&answers)?;
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

fn wrote(path: &Path, what: &str) {
    output::note(format!("{} {}: {what}", Style::Good.paint("wrote"), path.display()));
}

fn defaults(args: &InitArgs) -> anyhow::Result<Answers> {
    Ok(Answers {
        name: args.name.clone().map_or_else(|| "app/jwt".parse(), Ok)?,
        folder: args.folder.clone().unwrap_or_else(|| PathBuf::from("keys")),
        period: args.period.unwrap_or(Period::months(6)),
    })
}

/// Asks for what no flag gave.
fn ask(args: &InitArgs) -> anyhow::Result<Answers> {
    let defaults = defaults(args)?;
    let unread = "the answer could not be read";
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
            let question = Input::<String>::new().with_prompt("Folder that the applications read their keys from");
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
    Ok(Answers { name, folder, period })
}

fn fill(answers: &Answers) -> anyhow::Result<String> {
    let folder = answers
        .folder
        .to_str()
        .context("the folder's name is no text; choose one in UTF-8")?;
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let filled = TEMPLATE
        .replace("@NAME@", &quoted(answers.name.as_str()))
        .replace("@PERIOD@", &quoted(&answers.period.to_string()))
        .replace("@FOLDER@", &quoted(folder));
    Ok(filled)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(name: &str, folder: &str) -> Answers {
        Answers {
            name: name.parse().unwrap(),
            folder: folder.into(),
            period: Period::months(3),
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = fill(&answers("goimg/jwt", "/etc/a \"b\"")).unwrap();
        let config = Config::parse(Path::new("/x/keywheel.toml"), &text).unwrap();
        assert_eq!(config.credentials[0].name.as_str(), "goimg/jwt");
        assert_eq!(config.credentials[0].policy.period, Period::months(3));
        assert_eq!(config.credentials[0].stores[0].folder, Path::new("/etc/a \"b\""));
    }

    /// A line of comment that sets something is what somebody will uncomment.
    #[test]
    fn every_setting_of_the_policy_that_is_commented_out_can_be_used() {
        let text = fill(&answers("goimg/jwt", "keys")).unwrap();
        let (before, rest) = text.split_once("[credential.policy]").unwrap();
        let (policy, after) = rest.split_once("[[credential.store]]").unwrap();
        let policy = policy.replace("\n# ", "\n");
        let text = format!("{before}[credential.policy]{policy}[[credential.store]]{after}");
        let config = Config::parse(Path::new("/x/keywheel.toml"), &text).unwrap();
        assert_eq!(config.credentials[0].policy.approvers, ["alice", "bob"]);
        assert_eq!(config.credentials[0].policy.windows.len(), 1);
    }
}
