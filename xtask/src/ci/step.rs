//! The steps of `cargo xtask ci`.

use std::fmt;
use std::process::Command;

use anyhow::bail;
use clap::ValueEnum;

use super::closing;
use crate::engine::Engine;
use crate::kills::Of;
use crate::process::{self, Output, Run};
use crate::{codegen, faults, images, kills, sim, test, tidy, workspace};

/// One step, in the order in which they run: those of seconds before those of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// The formatting.
    Fmt,
    /// The house rules.
    Tidy,
    /// Licences, banned packages and sources; advisories where their database can be reached.
    Deny,
    /// Dependencies that nothing uses.
    Machete,
    /// The lints, in every target.
    Clippy,
    /// The documentation, private items too.
    Docs,
    /// The images of the servers that tests run.
    Images,
    /// The tests.
    Test,
    /// The documents that are made from the code.
    Codegen,
    /// The exhaustive fault search.
    Faults,
    /// Rotations of signing keys in processes that are killed.
    Kills,
    /// The same of roles of a real PostgreSQL.
    KillsPostgres,
    /// The same of users of a real Redis.
    KillsRedis,
    /// Random deeper histories.
    Sim,
    /// The example that embeds Keywheel.
    Embed,
    /// The demonstration.
    Demo,
    /// The demonstration whose driver is killed halfway.
    DemoFault,
}

impl Step {
    /// Runs the step; what it returns is a note for the summary.
    pub(super) fn run(self, no_containers: bool) -> anyhow::Result<String> {
        if no_containers && self.needs_engine() {
            return Ok(String::from("LEFT OUT: it needs a container engine"));
        }
        match self {
            Self::Fmt => silently(workspace::cargo().args(["fmt", "--all", "--check"])),
            Self::Tidy => tidy::run().map(|()| String::new()),
            Self::Deny => deny(),
            Self::Machete => silently(workspace::cargo().args(["machete", "--skip-target-dir"])),
            Self::Clippy => silently(workspace::cargo().args(CLIPPY)),
            Self::Docs => silently(workspace::cargo().args(DOCS).env("RUSTDOCFLAGS", "-D warnings")),
            Self::Images => images::run(&images::Args::default()).map(|()| String::new()),
            Self::Test => test::run(&test::Args::all(no_containers)),
            Self::Codegen => codegen::run(&codegen::Args { check: true }).map(|()| String::new()),
            Self::Faults => closing::faults(quietly(&mut faults::command())?.last_line()),
            Self::Kills => kills(Of::Jwt, KILLS),
            Self::KillsPostgres => kills(Of::Postgres, KILLS_ON_SERVERS),
            Self::KillsRedis => kills(Of::Redis, KILLS_ON_SERVERS),
            Self::Sim => silently(&mut sim::command(SIM_SEEDS)),
            Self::Embed => silently(workspace::cargo().args(EMBED)),
            Self::Demo => closing::demo(quietly(workspace::cargo().args(["demo", "--json"]))?.last_line()),
            Self::DemoFault => {
                let demo = quietly(workspace::cargo().args(["demo", "--fault", "--json"]))?;
                closing::demo(demo.last_line())
            }
        }
    }

    /// True if the step runs real servers alone; the tests count what they leave out by themselves.
    pub(super) fn needs_engine(self) -> bool {
        matches!(self, Self::Images | Self::KillsPostgres | Self::KillsRedis)
    }

    /// An error if the step needs a tool that is not installed. Asked of all steps first: it is no news to get after minutes.
    pub(super) fn needs_its_tool(self) -> anyhow::Result<()> {
        let tool = match self {
            Self::Deny => "deny",
            Self::Machete => "machete",
            _ if self.needs_engine() => return Engine::find().map(|_| ()),
            _ => return Ok(()),
        };
        if process::answers(workspace::cargo().args([tool, "--version"])) {
            return Ok(());
        }
        bail!(
            "cargo-{tool} is not installed: `cargo install --locked cargo-{tool}` brings it; \
             `.ci/run` installs what it needs by itself"
        );
    }
}

/// As many as take less than a minute; more are for `cargo xtask sim --seeds`, whenever there is time.
const SIM_SEEDS: u64 = 500;
/// The same for `cargo xtask kills`.
const KILLS: u64 = 32;
/// The same for those of roles and users, whose servers are restarted after every eight.
const KILLS_ON_SERVERS: u64 = 16;

const CLIPPY: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
const DOCS: [&str; 4] = ["doc", "--no-deps", "--workspace", "--document-private-items"];
const EMBED: [&str; 6] = ["run", "--quiet", "--package", "keywheel-app", "--example", "embed"];

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no step is hidden");
        f.write_str(value.get_name())
    }
}

fn kills(of: Of, runs: u64) -> anyhow::Result<String> {
    kills::prepare(of)?;
    closing::kills(quietly(&mut kills::command(of, runs, 1))?.last_line())
}

/// Runs a command whose output matters only if it fails.
fn quietly(command: &mut Command) -> anyhow::Result<Run> {
    let run = process::run(command, Output::OnFailure)?;
    if !run.success {
        bail!("`{}` failed", process::spelled(command));
    }
    Ok(run)
}

/// Runs a command that leaves nothing to note.
fn silently(command: &mut Command) -> anyhow::Result<String> {
    quietly(command).map(|_| String::new())
}

/// The gates that need no network, then the advisories, if their database can be had.
fn deny() -> anyhow::Result<String> {
    silently(workspace::cargo().args(["deny", "check", "licenses", "bans", "sources"]))?;
    let fetched = process::run(workspace::cargo().args(["deny", "fetch", "db"]), Output::Keep)?;
    if !fetched.success {
        return Ok(String::from("ADVISORIES LEFT OUT: their database could not be fetched"));
    }
    silently(workspace::cargo().args(["deny", "check", "advisories"]))
}
