use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS: &str = "\
Examples:
  keywheel completions bash > /etc/bash_completion.d/keywheel
  keywheel completions fish > ~/.config/fish/completions/keywheel.fish
";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

const MAN: &str = "\
Examples:
  keywheel man | man -l -
  keywheel man --dir /usr/local/share/man/man1     one page for every command
";

#[derive(Debug, Args)]
#[command(after_help = MAN)]
pub(crate) struct ManArgs {
    /// Writes the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
