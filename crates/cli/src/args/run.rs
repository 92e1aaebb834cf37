use std::num::NonZeroUsize;

use clap::Args;
use jiff::SignedDuration;
use keywheel_domain::policy::parse_length;

const RUN: &str = "\
Examples:
  keywheel run                         rotates whatever is due, until Ctrl-C or SIGTERM: for a service manager
  keywheel run --once                  what is due now: for cron, every few minutes
  keywheel run --dry-run               what is due now, and why it would not begin
  keywheel run --once --json           one JSON object per event, and one with the numbers at the end
  keywheel run --workers 64 --per-server 4

As many of these as you like may run at the same time, on one machine or on many that share a database: each rotation has one
driver, and what a process had in its hands when it died is gone on with by another one after its lease. A server that does not
answer holds up its own credentials and nobody else's.

A rotation that waits makes room for others, and goes on when its time has come. What went back is tried again after
an hour, then after two, four and so on, once a day at the most; a stuck rotation waits for `resume` or `rollback`.

Without --once it ends with 0 when it is stopped. With --once it ends with the worst that it saw:
    7  a rotation is stuck, also one that was so before
    6  a rotation was rolled back
    1  something that is due could not be begun or gone on with
    8  a rotation waits for an approval
    0  everything that is due was moved as far as it goes; some of it may wait for its time
";

#[derive(Debug, Args)]
#[command(after_help = RUN)]
pub(crate) struct RunArgs {
    /// Ends when everything that is due now was moved once
    #[arg(long)]
    pub(crate) once: bool,
    /// How many rotations are moved at the same time
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) workers: NonZeroUsize,
    /// How many of them on one server
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) per_server: NonZeroUsize,
    /// With --once: how long it waits for a rotation, all its waits together; what waits longer is left to the next run
    #[arg(long, value_name = "TIME", default_value = "1 min", value_parser = parse_length, requires = "once")]
    pub(crate) patience: SignedDuration,
    /// Shows what is due, and moves nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Prints one JSON object per event, and one with the numbers at the end
    #[arg(long)]
    pub(crate) json: bool,
}
