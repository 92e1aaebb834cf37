//! Running programs inside of containers.

use std::time::Duration;

use futures_util::TryStreamExt;
use testcontainers::bollard::Docker;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::exec::{StartExecOptions, StartExecResults};
use testcontainers::bollard::models::ExecConfig;
use testcontainers::core::client::docker_client_instance;

/// What a program in a container did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code.
    pub code: i64,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

/// Runs a program in that container to its end.
pub(super) async fn execute(container: &str, program: &[&str]) -> Result<Executed, Error> {
    let engine = docker_client_instance()
        .await
        .expect("the engine that started a container");
    let config = ExecConfig {
        cmd: Some(program.iter().map(|&word| word.to_owned()).collect()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let id = engine.create_exec(container, config).await?.id;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let started = engine.start_exec(&id, None::<StartExecOptions>).await?;
    if let StartExecResults::Attached { output: mut said, .. } = started {
        while let Some(chunk) = said.try_next().await? {
            match chunk {
                LogOutput::StdErr { message } => errors.extend_from_slice(&message),
                LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                    output.extend_from_slice(&message);
                }
            }
        }
    }
    Ok(Executed {
        code: exit_code(&engine, &id).await?,
        output: String::from_utf8_lossy(&output).into_owned(),
        errors: String::from_utf8_lossy(&errors).into_owned(),
    })
}

/// How the program ended. Its output may have ended a moment earlier.
#[expect(clippy::disallowed_methods, reason = "a real program is waited for in real time")]
async fn exit_code(engine: &Docker, id: &str) -> Result<i64, Error> {
    loop {
        let looked = engine.inspect_exec(id).await?;
        match looked.exit_code {
            Some(code) if looked.running != Some(true) => return Ok(code),
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}
