use clap::Args;

const DEMO: &str = "\
Examples:
  keywheel demo                     three instances, two clients, one rotation
  keywheel demo --fault             the same, with its driver killed again and again
  keywheel demo --json | tail -n 1  {\"verified\":N,\"refused\":N,\"outcome\":\"completed\",...}
";

/// What `keywheel demo` takes.
#[derive(Debug, Args)]
#[command(after_help = DEMO)]
pub(crate) struct DemoArgs {
    /// Kills the driver with SIGKILL in the middle of five steps, and has another one go on each time
    #[arg(long)]
    pub(crate) fault: bool,
    /// Prints the end as one line of JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
