use clap::Args;
use keywheel_domain::id::{CredentialName, RotationId};

const DOCTOR: &str = "\
Examples:
  keywheel doctor                 every credential
  keywheel doctor goimg/jwt --json

It changes nothing, and ends with 10 where something would stop a rotation.
";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR)]
pub(crate) struct DoctorArgs {
    /// The credential; all of them where none is named
    pub(crate) credential: Option<CredentialName>,
    /// Prints a list of findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const LIST: &str = "\
Examples:
  keywheel list
  keywheel list --json | jq -r '.[] | select(.overdue) | .credential'
";

#[derive(Debug, Args)]
#[command(after_help = LIST)]
pub(crate) struct ListArgs {
    /// Prints a list as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const STATUS: &str = "\
Examples:
  keywheel status                 every rotation that is under way
  keywheel status goimg/jwt       one credential: its versions, its rotation, its consumers
";

#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct StatusArgs {
    /// The credential; all of them where none is named
    pub(crate) credential: Option<CredentialName>,
    /// Prints a list as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const HISTORY: &str = "\
Examples:
  keywheel history goimg/jwt
  keywheel history goimg/jwt --rotation 0197b0c8-6f7e-7cc0-98a5-3f2c1f0a77aa    every entry with its evidence
";

#[derive(Debug, Args)]
#[command(after_help = HISTORY)]
pub(crate) struct HistoryArgs {
    /// The credential; all of them where none is named
    pub(crate) credential: Option<CredentialName>,
    /// Shows every entry of this rotation
    #[arg(long, value_name = "ID")]
    pub(crate) rotation: Option<RotationId>,
    /// Prints a list as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY: &str = "\
Examples:
  keywheel verify goimg/jwt
  keywheel verify goimg/jwt --json

It ends with 10 where the current version is refused, an ended one accepted, or nobody could tell.
";

#[derive(Debug, Args)]
#[command(after_help = VERIFY)]
pub(crate) struct VerifyArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// Prints a list of checks as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
