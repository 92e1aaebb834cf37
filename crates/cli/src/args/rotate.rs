use clap::{Args, ValueEnum};
use keywheel_domain::id::CredentialName;
use keywheel_domain::trigger::{EmergencyMode, LiveTokens};

/// Why a rotation runs.
#[derive(Debug, Args)]
pub(crate) struct TriggerArgs {
    /// Why it is rotated now, in your words: starts without notice and without waiting for a window
    #[arg(long, value_name = "TEXT", conflicts_with = "emergency")]
    pub(crate) reason: Option<String>,
    /// The incident for which it is rotated at once, such as SEC-2026-0042
    #[arg(long, value_name = "INCIDENT")]
    pub(crate) emergency: Option<String>,
    /// How an emergency is handled
    #[arg(long, value_name = "MODE", requires = "emergency", default_value = "expedited")]
    pub(crate) mode: ModeArg,
    /// What an emergency does to tokens that the old key signed
    #[arg(long, value_name = "WHAT", requires = "emergency", default_value = "honour")]
    pub(crate) live_tokens: LiveTokensArg,
}

/// How an emergency is handled.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModeArg {
    /// The safe order without notice, window, grace and drain; nobody is refused
    Expedited,
    /// The old version is taken out of use before anything else; its users are refused
    ContainFirst,
}

/// What an emergency does to live tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LiveTokensArg {
    /// They stay valid until they expire
    Honour,
    /// They are refused at once; their users log in again
    Refuse,
}

impl From<ModeArg> for EmergencyMode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Expedited => Self::Expedited,
            ModeArg::ContainFirst => Self::ContainFirst,
        }
    }
}

impl From<LiveTokensArg> for LiveTokens {
    fn from(what: LiveTokensArg) -> Self {
        match what {
            LiveTokensArg::Honour => Self::Honour,
            LiveTokensArg::Refuse => Self::Refuse,
        }
    }
}

/// How a rotation is driven.
#[derive(Debug, Args)]
pub(crate) struct DriveArgs {
    /// Does what can be done now, and ends with 8 where there is more than a minute to wait; `resume` goes on
    #[arg(long)]
    pub(crate) detach: bool,
    /// Prints one JSON object per event, and one with the result
    #[arg(long)]
    pub(crate) json: bool,
}

const PLAN: &str = "\
Examples:
  keywheel plan goimg/jwt                        the next routine rotation
  keywheel plan goimg/jwt --reason test          one that starts now
  keywheel plan goimg/jwt --emergency SEC-2026-0042 --mode contain-first

It changes nothing. Where no safe plan exists it ends with 5 and the shortest story of how a consumer would be locked out.
";

#[derive(Debug, Args)]
#[command(after_help = PLAN)]
pub(crate) struct PlanArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    #[command(flatten)]
    pub(crate) trigger: TriggerArgs,
    /// Prints the plan as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const ROTATE: &str = "\
Examples:
  keywheel rotate goimg/jwt                                  it is due: announced ahead, inside its window
  keywheel rotate goimg/jwt --reason \"half-yearly\"           now
  keywheel rotate goimg/jwt --yes --detach                   from a timer: does what can be done now
  keywheel rotate goimg/jwt --emergency SEC-2026-0042        the safe order at once, without notice and grace
  keywheel rotate goimg/jwt --emergency SEC-2026-0042 --mode contain-first --live-tokens refuse

Ctrl-C, a crash or a power cut leave a rotation that `keywheel resume` continues and `keywheel rollback` takes back.
";

#[derive(Debug, Args)]
#[command(after_help = ROTATE)]
pub(crate) struct RotateArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    #[command(flatten)]
    pub(crate) trigger: TriggerArgs,
    /// Does not ask whether to begin
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Shows the plan and what a preflight finds, and begins nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

const RESUME: &str = "\
Examples:
  keywheel resume goimg/jwt
  keywheel resume goimg/jwt --detach            from a timer: does what can be done now

A driver that was killed keeps others out until its lease has run out (15 seconds unless configured); this waits for that.
";

#[derive(Debug, Args)]
#[command(after_help = RESUME)]
pub(crate) struct ResumeArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// Shows what would happen next, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

const ROLLBACK: &str = "\
Examples:
  keywheel rollback goimg/jwt --reason \"errors in the shop\"
  keywheel rollback goimg/jwt --reason test --dry-run       the steps of the way back

Once the old version is being destroyed there is no way back; `keywheel plan` shows where that is.
";

#[derive(Debug, Args)]
#[command(after_help = ROLLBACK)]
pub(crate) struct RollbackArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Shows the way back, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

const FINISH: &str = "\
Examples:
  keywheel finish goimg/jwt

The grace period ends, but not before every token that the old key signed has expired. Drain, observation and the proof
that the old version is dead follow as planned.
";

#[derive(Debug, Args)]
#[command(after_help = FINISH)]
pub(crate) struct FinishArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// Shows when the grace could end, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

const APPROVE: &str = "\
Examples:
  keywheel approve goimg/jwt --actor bob
  keywheel approve goimg/jwt --detach           only as far as can be done now

Who asked for a rotation does not approve it. The policy's `approvers` name who may.
";

#[derive(Debug, Args)]
#[command(after_help = APPROVE)]
pub(crate) struct ApproveArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// Shows what would be approved, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}
