use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Shows the audit log
    Show(AuditShowArgs),
    /// Verifies the chain of hashes: nothing was changed, removed or moved
    Verify(AuditVerifyArgs),
}

const SHOW: &str = "\
Examples:
  keywheel audit show
  keywheel audit show --json | jq 'select(.phase == \"complete\" and .success == false)'

With --json each record is one line, in the form in which it was written.
";

#[derive(Debug, Args)]
#[command(after_help = SHOW)]
pub(crate) struct AuditShowArgs {
    /// Prints one JSON object per record
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY: &str = "\
Examples:
  keywheel audit verify
  keywheel audit verify --head 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef

Note the head that it prints somewhere else. Records that are cut off at the end show only by comparison with a head that was
noted earlier: --head verifies that it is still in the chain. It ends with 10 where something is wrong.
";

#[derive(Debug, Args)]
#[command(after_help = VERIFY)]
pub(crate) struct AuditVerifyArgs {
    /// A head that was noted earlier
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub(crate) head: Option<String>,
    /// Prints the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn hash(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let legal = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    legal
        .then_some(text)
        .ok_or_else(|| "a head has 64 hexadecimal digits".to_owned())
}
