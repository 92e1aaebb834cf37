//! Structured logs on standard error, only where somebody asked for them.

use tracing_subscriber::EnvFilter;

use crate::args::GlobalArgs;
use crate::exit::Problem;

/// Starts logging as the arguments say. Without any nothing is set up, so that nothing is paid for.
pub(crate) fn start(global: &GlobalArgs) -> anyhow::Result<()> {
    let filter = match (&global.log, global.verbose) {
        (Some(filter), _) => filter.as_str(),
        (None, 0) => return Ok(()),
        (None, 1) => "info",
        (None, 2) => "debug",
        (None, _) => "trace",
    };
    let filter: EnvFilter = filter
        .parse()
        .map_err(|error| Problem::usage(format!("--log: {error}; write for example `keywheel_app=debug,info`")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
