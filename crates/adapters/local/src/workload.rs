//! What consumes a credential on this machine: something that a command reloads, or something that watches its files.

mod report;
mod source;
mod usage;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::SignedDuration;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{CredentialName, RotationId, VersionId};
use keywheel_domain::ports::{ErrorKind, Finding, PortError, Usage, Workload, WorkloadReport};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use crate::command::{CommandLine, Failure, OUTPUT_LIMIT, Run};
use crate::config::{CommandWorkloadConfig, Surroundings, WorkloadConfig};

use report::Found;
use source::Source;
use usage::Ledger;

/// The attribute that instances count uses by: the id of a JWT key (RFC 7515, section 4.1.4).
const COUNTED_BY: &str = "kid";

/// A workload on this machine.
#[derive(Debug)]
pub struct LocalWorkload {
    name: String,
    surroundings: Surroundings,
    commands: Option<Commands>,
    reports: Option<Source>,
    /// What the instances had counted at the last look.
    ledger: Mutex<Ledger>,
}

#[derive(Debug)]
struct Commands {
    roll_out: CommandLine,
    preflight: Option<CommandLine>,
    timeout: SignedDuration,
}

impl LocalWorkload {
    /// Checks the configuration; runs nothing.
    ///
    /// # Errors
    /// `Invalid` for a command without a program, and for a report that comes from nowhere or from two places at once;
    /// `Unsupported` for a report over HTTP in a build without the feature `http`.
    pub fn new(config: &WorkloadConfig, surroundings: &Surroundings) -> Result<Self, PortError> {
        let (name, commands, report) = match config {
            WorkloadConfig::Command(config) => (&config.name, Some(Commands::new(config)?), &config.report),
            WorkloadConfig::None(config) => (&config.name, None, &config.report),
        };
        Ok(Self {
            name: name.clone(),
            surroundings: surroundings.clone(),
            commands,
            reports: report.as_ref().map(|report| Source::new(name, report)).transpose()?,
            ledger: Mutex::default(),
        })
    }

    async fn run(&self, command: &CommandLine, timeout: SignedDuration, told: &[(&'static str, String)]) -> Outcome {
        let run = Run {
            surroundings: &self.surroundings,
            timeout,
            limit: OUTPUT_LIMIT,
            variables: told,
        };
        let program = command.program();
        match command.run(run).await {
            Ok(ended) if ended.status.success() => Outcome::Done,
            Ok(ended) => Outcome::Failed(format!("`{program}` failed: {}", ended.story())),
            Err(Failure::NotStarted(error)) => Outcome::NotStarted(error),
            Err(Failure::TimedOut) => Outcome::TimedOut(format!("`{program}` did not end within {timeout:#}")),
            Err(Failure::Lost(error)) => Outcome::Failed(format!("`{program}` ended unseen: {error}")),
        }
    }

    async fn found(&self, source: &Source, credential: &CredentialName) -> Result<Vec<Found>, PortError> {
        let mut found = source.read(&self.surroundings, credential).await?;
        let now = self.surroundings.clock.now();
        found
            .iter_mut()
            .for_each(|found| found.mark_stale(now, source.stale_after()));
        Ok(found)
    }
}

impl Commands {
    fn new(config: &CommandWorkloadConfig) -> Result<Self, PortError> {
        let name = &config.name;
        let preflight = config.preflight.as_ref();
        Ok(Self {
            roll_out: CommandLine::new(&format!("`roll_out` of the workload {name}"), &config.roll_out)?,
            preflight: preflight
                .map(|words| CommandLine::new(&format!("`preflight` of the workload {name}"), words))
                .transpose()?,
            timeout: config.timeout.0,
        })
    }
}

/// What became of a command.
enum Outcome {
    Done,
    Failed(String),
    NotStarted(std::io::Error),
    TimedOut(String),
}

#[async_trait]
impl Workload for LocalWorkload {
    fn name(&self) -> &str {
        &self.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        let mut findings = Vec::new();
        if let Some(commands) = &self.commands {
            findings.push(self.executable(&commands.roll_out, &self.surroundings.base));
            if let Some(check) = &commands.preflight {
                findings.push(self.checked(check, commands.timeout).await);
            }
        }
        if self.reports.is_none() {
            findings.push(Finding::warning(
                &self.name,
                "nothing says which delivery its instances run, so time has to do as evidence",
                "add a `report` to the workload",
            ));
        }
        Ok(findings)
    }

    async fn roll_out(
        &self,
        rotation: &RotationId,
        credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError> {
        let evidence = |detail: String| Evidence::new(EvidenceKind::RolledOut, &self.name, detail);
        let Some(commands) = &self.commands else {
            return Ok(evidence(format!("it picks {view} up by itself")));
        };
        let told = [
            ("KEYWHEEL_ROTATION", rotation.to_string()),
            ("KEYWHEEL_CREDENTIAL", credential.to_string()),
            ("KEYWHEEL_REVISION", view.revision.to_string()),
            ("KEYWHEEL_PRIMARY", view.primary.to_string()),
        ];
        let command = &commands.roll_out;
        let fix = "run it by hand to see why";
        match self.run(command, commands.timeout, &told).await {
            Outcome::Done => Ok(evidence(format!("`{}` exited with 0 for {view}", command.program()))),
            // Nobody knows how far it came.
            Outcome::Failed(story) => {
                let message = format!("{}: {story}; {fix}", self.name);
                Err(PortError::transient(ErrorKind::Unavailable, message).with_unknown_effect())
            }
            Outcome::TimedOut(story) => {
                let message = format!(
                    "{}: {story} and was killed; {fix}, with a longer `timeout` if it needs one",
                    self.name
                );
                Err(PortError::transient(ErrorKind::TimedOut, message).with_unknown_effect())
            }
            Outcome::NotStarted(error) => {
                let message = format!(
                    "{}: `{}` cannot be started; correct `roll_out`",
                    self.name,
                    command.program()
                );
                Err(PortError::permanent(ErrorKind::Invalid, message).caused_by(error))
            }
        }
    }

    async fn report(&self, credential: &CredentialName) -> Result<WorkloadReport, PortError> {
        let Some(source) = &self.reports else {
            return Ok(WorkloadReport::Untold("no `report` is configured for it".to_owned()));
        };
        let found = self.found(source, credential).await?;
        Ok(WorkloadReport::Instances(found.iter().map(Found::instance).collect()))
    }

    /// Read from the instances' own counters. Without a `report`, or for a version without a `kid`, nothing can be told. A
    /// report that is missing or too old is an error: it must hold a rotation, and "cannot tell" would let time pass for
    /// evidence.
    async fn usage(&self, id: &VersionId, attributes: &Attributes) -> Result<Usage, PortError> {
        let (Some(source), Some(kid)) = (&self.reports, attributes.get(COUNTED_BY)) else {
            return Ok(Usage::Untold);
        };
        let found = self.found(source, &id.credential).await?;
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        usage::judge(&mut ledger, &self.name, kid, &found)
    }
}

impl LocalWorkload {
    fn executable(&self, command: &CommandLine, base: &Path) -> Finding {
        let program = command.program();
        if command.is_executable(base) {
            Finding::fine(&self.name, format!("`{program}` can be executed"))
        } else {
            let detail = format!("`{program}` is not there or cannot be executed");
            Finding::blocker(&self.name, detail, "install it, or correct `roll_out`")
        }
    }

    async fn checked(&self, check: &CommandLine, timeout: SignedDuration) -> Finding {
        let program = check.program();
        // What a command complains about may pass: an instance that is just restarting. A command that is not there does not.
        let (problem, may_pass) = match self.run(check, timeout, &[]).await {
            Outcome::Done => return Finding::fine(&self.name, format!("`{program}` exited with 0")),
            Outcome::Failed(story) | Outcome::TimedOut(story) => (story, true),
            Outcome::NotStarted(error) => (format!("`{program}` cannot be started: {error}"), false),
        };
        let fix = "mend what it complains about, or correct `preflight`";
        Finding {
            may_pass,
            ..Finding::blocker(&self.name, problem, fix)
        }
    }
}
