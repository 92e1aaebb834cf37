//! The `keywheel` command: parses, wires, calls the façade, prints.

#![cfg_attr(
    not(any(feature = "postgres", feature = "prometheus", feature = "redis")),
    expect(dead_code, reason = "what reads logins has nobody who accepts them in such a build")
)]

mod args;
mod commands;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod logs;
mod output;
mod render;
mod surroundings;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::{AuditCommand, Cli, Command, GlobalArgs};
use exit::Exit;

/// How long work that was under way may take after a signal: a file is being written, a key being made.
const WIND_DOWN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    output::choose_color(global.color);
    let exit = match logs::start(&global).and_then(|()| run(&global, command)) {
        Ok(exit) => exit,
        Err(error) => {
            output::error(&error);
            exit::of(&error)
        }
    };
    if output::lost_data() && exit == Exit::Done {
        output::error(&anyhow::anyhow!(
            "standard output could not be written; what it shows is not complete"
        ));
        return Exit::Failed.into();
    }
    exit.into()
}

fn run(global: &GlobalArgs, command: Command) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(dispatch(global, command));
    runtime.shutdown_timeout(WIND_DOWN);
    exit
}

async fn dispatch(global: &GlobalArgs, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => commands::init::run(global, &args).await,
        Command::Doctor(args) => commands::doctor::run(global, &args).await,
        Command::Adopt(args) => commands::adopt::run(global, &args).await,
        Command::List(args) => commands::list::run(global, &args).await,
        Command::Plan(args) => commands::plan::run(global, &args).await,
        Command::Rotate(args) => commands::rotate::run(global, args).await,
        Command::Run(args) => commands::run::run(global, &args).await,
        Command::Status(args) => commands::status::run(global, &args).await,
        Command::History(args) => commands::history::run(global, &args).await,
        Command::Resume(args) => commands::resume::run(global, &args).await,
        Command::Rollback(args) => commands::rollback::run(global, &args).await,
        Command::Finish(args) => commands::finish::run(global, &args).await,
        Command::Approve(args) => commands::approve::run(global, &args).await,
        Command::Verify(args) => commands::verify::run(global, &args).await,
        #[cfg(feature = "redis")]
        Command::PurgeSessions(args) => commands::purge_sessions::run(global, &args).await,
        Command::Audit(AuditCommand::Show(args)) => commands::audit::show(global, &args).await,
        Command::Audit(AuditCommand::Verify(args)) => commands::audit::verify(global, &args).await,
        Command::Completions(args) => Ok(commands::completions::run(&args)),
        Command::Man(args) => commands::man::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => commands::demo::run(&args).await,
    }
}
