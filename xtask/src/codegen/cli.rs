//! The reference of the command line: what `--help` says, of every command.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

use crate::process::{self, Output};
use crate::workspace;

const HEAD: &str = "\
# The command line

What `keywheel --help` says, and each command's `--help`. Made by `cargo xtask codegen`: edit the sources of the CLI, not this page.
";

/// Builds the CLI and asks it for the help of each of its commands.
pub(super) fn reference() -> anyhow::Result<String> {
    let keywheel = build()?;
    let mut page = String::from(HEAD);
    let mut ahead = vec![Vec::new()];
    while let Some(command) = ahead.pop() {
        let help = help(&keywheel, &command)?;
        section(&mut page, &command, &help);
        // The last one in is the first one out: commands stay in the order in which the help lists them.
        for name in subcommands(&help).into_iter().rev() {
            ahead.push([command.as_slice(), &[name.to_owned()]].concat());
        }
    }
    Ok(page)
}

fn build() -> anyhow::Result<PathBuf> {
    let mut build = workspace::cargo();
    build.args(["build", "--quiet", "--package", "keywheel-cli"]);
    process::hand_over(&mut build)?;
    let name = format!("keywheel{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace::target_folder()?.join("debug").join(name))
}

/// The long help, as wide as where there is no terminal, whatever the environment says.
fn help(keywheel: &Path, command: &[String]) -> anyhow::Result<String> {
    let mut asked = Command::new(keywheel);
    asked.args(command).arg("--help").env_clear();
    let run = process::run(&mut asked, Output::Keep)?;
    if !run.success {
        bail!("`{}` failed:\n{}", process::spelled(&asked), run.lines.join("\n"));
    }
    let lines: Vec<_> = run.lines.iter().map(|line| line.trim_end()).collect();
    Ok(lines.join("\n").trim_end().to_owned())
}

fn section(page: &mut String, command: &[String], help: &str) {
    let level = "#".repeat(2 + command.len().min(2));
    let name = [&["keywheel".to_owned()], command].concat().join(" ");
    write!(page, "\n{level} {name}\n\n```text\n{help}\n```\n").expect("writing to a string cannot fail");
}

/// The names under the heading `Commands:`. Descriptions that run over more than one line are indented deeper.
fn subcommands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| {
        line.strip_prefix("  ")?
            .split_whitespace()
            .next()
            .filter(|_| !line.starts_with("   "))
    });
    names.filter(|name| *name != "help").collect()
}

#[cfg(test)]
mod tests {
    use super::{section, subcommands};

    const HELP: &str = "\
Rotates credentials

Usage: keywheel [OPTIONS] <COMMAND>

Commands:
  init    Asks, and writes a configuration
          that can be edited
  audit   The audit log
  help    Print this message

Options:
  -h, --help  Print help
";

    #[test]
    fn commands_are_read_from_the_help() {
        assert_eq!(subcommands(HELP), ["init", "audit"]);
        assert!(subcommands("Usage: keywheel init\n\nOptions:\n  -h\n").is_empty());
    }

    #[test]
    fn a_section_shows_the_help_under_the_whole_command() {
        let mut page = String::new();
        section(&mut page, &["audit".to_owned(), "show".to_owned()], "Shows it");
        assert_eq!(page, "\n#### keywheel audit show\n\n```text\nShows it\n```\n");
    }
}
