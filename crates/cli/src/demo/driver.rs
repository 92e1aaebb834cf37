//! The driver of the demonstration: the real command in a process of its own, so that killing it is a real `kill -9`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use super::folder::CREDENTIAL;

/// Runs this very program on the demonstration's configuration.
pub(super) struct Driver {
    program: PathBuf,
    config: PathBuf,
    running: Option<Child>,
    kills: u32,
}

impl Driver {
    pub(super) fn new(config: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        Ok(Self {
            program,
            config: config.to_owned(),
            running: None,
            kills: 0,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.config).args(arguments);
        command
            .env("KEYWHEEL_ACTOR", "demo")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Takes the application's keys over.
    pub(super) fn adopt(&self) -> anyhow::Result<()> {
        let output = self.command(&["adopt", CREDENTIAL]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "the keys could not be adopted: {}",
            said.trim()
        );
        Ok(())
    }

    pub(super) fn rotate(&mut self) -> anyhow::Result<()> {
        let rotate = ["rotate", CREDENTIAL, "--yes", "--reason", "demonstration"];
        self.running = Some(self.command(&rotate).stderr(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Kills the driver where it stands, and has another one go on.
    pub(super) fn kill_and_resume(&mut self) -> anyhow::Result<()> {
        self.end();
        self.kills += 1;
        self.running = Some(self.command(&["resume", CREDENTIAL]).stderr(Stdio::null()).spawn()?);
        Ok(())
    }

    pub(super) fn kills(&self) -> u32 {
        self.kills
    }

    /// Whether the driver has ended by itself.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        match &mut self.running {
            Some(child) => Ok(child.try_wait()?.is_some()),
            None => Ok(true),
        }
    }

    fn end(&mut self) {
        if let Some(mut child) = self.running.take() {
            // A driver that has ended already cannot be killed, and that is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.end();
    }
}
