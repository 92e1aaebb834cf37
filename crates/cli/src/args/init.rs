use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keywheel_domain::id::CredentialName;
use keywheel_domain::schedule::Period;

const INIT: &str = "\
Examples:
  keywheel init
  keywheel init --yes --name goimg/jwt --folder /etc/goimg/keys
  keywheel init --yes --kind postgresql_password --name goimg/postgres
  keywheel init --kind redis_password --name goimg/redis --dry-run >> keywheel.toml

It asks where it can, and takes flags and defaults where it cannot. Files that exist are never overwritten. Where there is a
configuration, --dry-run shows what one more credential adds to it.
";

#[derive(Debug, Args)]
#[command(after_help = INIT)]
pub(crate) struct InitArgs {
    /// What is rotated [default: jwt_signing_key]
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<InitKind>,
    /// The name of the credential [default: app/jwt, app/postgres or app/redis]
    #[arg(long)]
    pub(crate) name: Option<CredentialName>,
    /// The folder that the applications read it from [default: keys, database or cache]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// How often it is rotated [default: 6 months for a key, 3 months for a password]
    #[arg(long, value_name = "PERIOD")]
    pub(crate) period: Option<Period>,
    /// Asks nothing
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Shows what would be written, and writes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The kinds of credentials, by the names that they have in the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum InitKind {
    /// A key that signs tokens
    #[default]
    #[value(alias = "jwt-signing-key")]
    JwtSigningKey,
    /// The password of a role of PostgreSQL
    #[cfg(feature = "postgres")]
    #[value(alias = "postgresql-password")]
    PostgresqlPassword,
    /// The password of a user of Redis or Valkey
    #[cfg(feature = "redis")]
    #[value(alias = "redis-password")]
    RedisPassword,
}

const ADOPT: &str = "\
Examples:
  keywheel adopt goimg/jwt                                     the files that the configuration names
  keywheel adopt goimg/jwt --private-key /secrets/jwt_private.pem --created-at 2025-06-01
  keywheel adopt goimg/jwt --create                            there is none yet: makes version 1
  keywheel adopt goimg/postgres                                asks for the password of the role that the configuration names
  keywheel adopt goimg/redis --username goimg --password-file /run/secrets/redis

The key or login is checked, sealed, shown in every store in the form that the configuration says, and tried: all consumers keep
working with what they have. Repeating an adoption that was cut off finishes it.
";

#[derive(Debug, Args)]
#[command(after_help = ADOPT)]
pub(crate) struct AdoptArgs {
    /// The credential
    pub(crate) credential: CredentialName,
    /// The existing private key: PKCS#1 or PKCS#8 PEM [default: `existing.private_key`, or jwt_private.pem in the first store]
    #[arg(long, value_name = "FILE", conflicts_with = "create")]
    pub(crate) private_key: Option<PathBuf>,
    /// Its public half, to be checked against it [default: `existing.public_key`, or jwt_public.pem beside the private key]
    #[arg(long, value_name = "FILE", conflicts_with = "create")]
    pub(crate) public_key: Option<PathBuf>,
    /// The user or role that applications log in as [default: `existing.username`, or the one that the issuer names]
    #[arg(long, value_name = "NAME", conflicts_with = "create")]
    pub(crate) username: Option<String>,
    /// The file of its password, which is asked for otherwise [default: `existing.password_file` or `existing.password_env`]
    #[arg(long, value_name = "FILE", conflicts_with = "create")]
    pub(crate) password_file: Option<PathBuf>,
    /// Makes version 1 instead of taking an existing one over
    #[arg(long)]
    pub(crate) create: bool,
    /// When the existing version was made, which anchors its due date [default: when its file was written, or now]
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "create")]
    pub(crate) created_at: Option<Timestamp>,
    /// Checks the key and shows what would be done, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Prints the adopted credential as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A date, which means its beginning in UTC, or an exact moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let date = text
        .parse::<Date>()
        .ok()
        .and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    date.map(|date| date.timestamp())
        .ok_or_else(|| "write a date such as 2025-06-01, or 2025-06-01T02:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_beginning_in_utc() {
        assert_eq!(moment("2025-06-01"), moment("2025-06-01T00:00:00Z"));
        assert_eq!(moment("2025-06-01T02:00:00+02:00"), moment("2025-06-01"));
        assert!(moment("yesterday").is_err());
    }
}
