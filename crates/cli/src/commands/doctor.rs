//! `keywheel doctor`

use std::sync::Arc;

use keywheel_app::Silent;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Finding, Severity};
use serde_json::Value;

use crate::args::{DoctorArgs, GlobalArgs};
use crate::commands::known;
use crate::config::Config;
use crate::exit::Exit;
use crate::output::{self, Style};
use crate::render::findings;
use crate::wire::{self, State, Which};

/// Every credential on its own: one that cannot be wired is a finding, and does not hide the others.
pub(crate) async fn run(global: &GlobalArgs, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let config = Config::load(global.config.as_deref())?;
    if let Some(name) = &args.credential {
        known(&config, name)?;
    }
    let names: Vec<_> = match &args.credential {
        Some(name) => vec![name.clone()],
        None => config
            .credentials
            .iter()
            .map(|credential| credential.name.clone())
            .collect(),
    };
    let mut shown = Shown::new(args.json);
    let about_journal = wire::examine_state(&config.state).await;
    shown.add(None, &about_journal);
    // Without it nothing is known of any credential.
    let names = if shown.worst == Severity::Blocker {
        Vec::new()
    } else {
        names
    };
    for name in &names {
        shown.add(Some(name), &examine(global, name).await?);
    }
    if args.json {
        output::json(&shown.values);
    } else if config.credentials.is_empty() {
        output::note(format!("no credential is configured in {}", config.path.display()));
    }
    Ok(if shown.worst == Severity::Blocker {
        Exit::Wrong
    } else {
        Exit::Done
    })
}

/// What was found so far.
struct Shown {
    json: bool,
    values: Vec<Value>,
    worst: Severity,
}

impl Shown {
    fn new(json: bool) -> Self {
        Self {
            json,
            values: Vec::new(),
            worst: Severity::Fine,
        }
    }

    /// Shows what was found out about a credential, or about the journal that all of them share.
    fn add(&mut self, name: Option<&CredentialName>, found: &[Finding]) {
        let severities = found.iter().map(|finding| finding.severity);
        self.worst = severities.fold(self.worst, Severity::max);
        if self.json {
            let values = found.iter().map(|finding| findings::finding_json(name, finding));
            self.values.extend(values);
            return;
        }
        if !found.is_empty() {
            output::line(Style::Strong.paint(name.map_or("shared by all", CredentialName::as_str)));
        }
        found
            .iter()
            .for_each(|finding| output::line(findings::finding(finding)));
    }
}

async fn examine(global: &GlobalArgs, name: &CredentialName) -> anyhow::Result<Vec<Finding>> {
    let config = Config::load(global.config.as_deref())?;
    match wire::open(config, Which::Only(name), State::Look, Arc::new(Silent)).await {
        Ok(session) => match session.keywheel.doctor(name).await {
            Ok(findings) => Ok(findings),
            Err(error) => Ok(vec![stopped(name.as_str(), &error.into())]),
        },
        Err(error) => Ok(vec![stopped("configuration", &error)]),
    }
}

/// What kept the doctor from looking any further at this credential.
fn stopped(subject: &str, error: &anyhow::Error) -> Finding {
    let detail = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Finding::blocker(subject, detail, "mend that, then run `keywheel doctor` again")
}
