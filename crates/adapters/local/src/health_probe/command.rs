//! A command that exits with 0 where all is well.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{HealthProbe, PortError, Sample, Verdict};

use crate::command::{CommandLine, Failure, OUTPUT_LIMIT, Run};
use crate::config::{CommandProbeConfig, Surroundings};

#[derive(Debug)]
pub(super) struct CommandProbe {
    name: String,
    command: CommandLine,
    timeout: SignedDuration,
    surroundings: Surroundings,
}

impl CommandProbe {
    pub(super) fn new(config: &CommandProbeConfig, surroundings: &Surroundings) -> Result<Self, PortError> {
        Ok(Self {
            name: config.name.clone(),
            command: CommandLine::new(&format!("`command` of the probe {}", config.name), &config.command)?,
            timeout: config.timeout.0,
            surroundings: surroundings.clone(),
        })
    }
}

#[async_trait]
impl HealthProbe for CommandProbe {
    fn name(&self) -> &str {
        &self.name
    }

    async fn sample(&self, _began: Option<Timestamp>) -> Sample {
        let program = self.command.program();
        let run = Run {
            surroundings: &self.surroundings,
            timeout: self.timeout,
            limit: OUTPUT_LIMIT,
            variables: &[],
        };
        let verdict = match self.command.run(run).await {
            Ok(ended) if ended.status.success() => Verdict::Healthy,
            // Somebody killed it: that says something about the machine and nothing about what it looked at.
            Ok(ended) if ended.status.code().is_none() => Verdict::Unknown(format!("`{program}`: {}", ended.story())),
            Ok(ended) => Verdict::Unhealthy(format!("`{program}`: {}", ended.story())),
            Err(Failure::TimedOut) => Verdict::Unknown(format!("`{program}` did not end within {:#}", self.timeout)),
            Err(Failure::NotStarted(error)) => Verdict::Unknown(format!("`{program}` cannot be started: {error}")),
            Err(Failure::Lost(error)) => Verdict::Unknown(format!("`{program}` ended unseen: {error}")),
        };
        Sample::of_health(&self.name, verdict, &format!("`{program}` exited with 0"))
    }
}
