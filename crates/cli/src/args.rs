//! The command line. Nothing but its shape: what the commands do is in `commands`.

mod audit;
#[cfg(feature = "demo")]
mod demo;
mod init;
mod look;
#[cfg(feature = "redis")]
mod purge;
mod rotate;
mod run;
mod shell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{AuditCommand, AuditShowArgs, AuditVerifyArgs};
#[cfg(feature = "demo")]
pub(crate) use demo::DemoArgs;
pub(crate) use init::{AdoptArgs, InitArgs, InitKind};
pub(crate) use look::{DoctorArgs, HistoryArgs, ListArgs, StatusArgs, VerifyArgs};
#[cfg(feature = "redis")]
pub(crate) use purge::PurgeArgs;
pub(crate) use rotate::{
    ApproveArgs, DriveArgs, FinishArgs, PlanArgs, ResumeArgs, RollbackArgs, RotateArgs, TriggerArgs,
};
pub(crate) use run::RunArgs;
pub(crate) use shell::{CompletionsArgs, ManArgs};

const FIRST_STEPS: &str = "\
First steps:
  keywheel init                                  asks, and writes keywheel.toml and a key file
  keywheel doctor                                looks at everything, and says how to mend what is wrong
  keywheel adopt goimg/jwt                       takes the existing key over as version 1
  keywheel plan goimg/jwt                        every step, and where is no way back
  keywheel rotate goimg/jwt --reason half-yearly
";

/// Rotates the credentials of production systems with no downtime, and proves it.
#[derive(Debug, Parser)]
#[command(name = "keywheel", version, arg_required_else_help = true, max_term_width = 120)]
#[command(after_help = format!("{FIRST_STEPS}\n{}", crate::exit::HELP))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The configuration [default: keywheel.toml here, or else /etc/keywheel/keywheel.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KEYWHEEL_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Who does this, as the journal and the audit log name them [default: the user's name]
    #[arg(long, global = true, value_name = "NAME", env = "KEYWHEEL_ACTOR", hide_env_values = true, value_parser = actor)]
    pub(crate) actor: Option<String>,
    /// Colours; `auto` follows the terminal, NO_COLOR, CLICOLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Logs on standard error: -v what happens, -vv how, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Which logs, in the form of RUST_LOG, such as `keywheel_app=debug,info`
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "KEYWHEEL_LOG",
        hide_env_values = true
    )]
    pub(crate) log: Option<String>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Asks, and writes a commented configuration and a key file
    Init(InitArgs),
    /// Looks at everything that a rotation needs, and says how to mend what is wrong
    Doctor(DoctorArgs),
    /// Takes an existing credential over as version 1
    Adopt(AdoptArgs),
    /// The schedule: what is rotated how often, when it was and when it is due
    List(ListArgs),
    /// Every step of a rotation: who can present, who accepts, where is no way back
    Plan(PlanArgs),
    /// Rotates a credential
    Rotate(RotateArgs),
    /// Rotates everything that is due, now or for as long as it runs
    Run(RunArgs),
    /// Where rotations stand, what they wait for, and which consumer runs which version
    Status(StatusArgs),
    /// The rotations of a credential, or every entry of one with its evidence
    History(HistoryArgs),
    /// Goes on with a rotation that was interrupted, waits, or is stuck
    Resume(ResumeArgs),
    /// Takes a rotation back, as long as there is a way back
    Rollback(RollbackArgs),
    /// Ends the grace period early, as far as live tokens allow
    Finish(FinishArgs),
    /// Approves a rotation that waits for it
    Approve(ApproveArgs),
    /// Tries the versions: the current one has to be accepted, ended ones refused
    Verify(VerifyArgs),
    /// Deletes sessions in an emergency: the keys of a Redis server that begin with a prefix, and no other
    #[cfg(feature = "redis")]
    PurgeSessions(PurgeArgs),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Prints completions for a shell
    Completions(CompletionsArgs),
    /// Prints or writes the manual pages
    Man(ManArgs),
    /// Rotates a signing key under load in a temporary folder, and shows that no token was refused
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
}

/// A name in the journal and in the audit log is one line for people.
fn actor(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        return Err("a name has 1 to 128 bytes on one line".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands() {
                if sub.has_subcommands() {
                    check(sub);
                } else {
                    let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(after.contains("keywheel "), "`{}` has no example", sub.get_name());
                }
            }
        }
        check(&Cli::command());
    }
}
