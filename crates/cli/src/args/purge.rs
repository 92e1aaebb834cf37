use clap::Args;
use keywheel_domain::id::CredentialName;
use keywheel_redis::PurgeRequest;

const PURGE: &str = "\
Examples:
  keywheel purge-sessions goimg/redis --prefix session: --reason SEC-2026-0042 --dry-run
  keywheel purge-sessions goimg/redis --prefix session: --reason SEC-2026-0042

It stands in for FLUSHDB, which takes queues, caches and locks along: keys that begin with the
prefix go, on every master of the server, and no other. They are found by SCAN and deleted by
UNLINK, in batches that do not hold the server up, as `admin_user`, who needs
`+scan +unlink +select ~session:*` for it. Keys that are made meanwhile may stay: end what makes
them first. It may be repeated, ends with 1 where --limit was reached before the last key, and is
in the audit log, with its reason and its count.
";

#[derive(Debug, Args)]
#[command(after_help = PURGE)]
pub(crate) struct PurgeArgs {
    /// A credential of kind `redis_password`: the server that its configuration names is purged
    pub(crate) credential: CredentialName,
    /// What the keys of sessions begin with, byte for byte; it is no pattern
    #[arg(long, value_name = "TEXT", value_parser = prefix)]
    pub(crate) prefix: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The database that they are in
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) database: u32,
    /// No more keys than this are deleted
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Does not ask whether to begin
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Counts the keys, and deletes none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Prints the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl PurgeArgs {
    /// What is asked of the server.
    pub(crate) fn request(&self) -> PurgeRequest {
        PurgeRequest {
            database: self.database,
            at_most: self.limit,
            only_count: self.dry_run,
            ..PurgeRequest::under(&self.prefix)
        }
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let checked = PurgeRequest::under(text).check();
    checked.map(|()| text.to_owned()).map_err(|error| error.to_string())
}
