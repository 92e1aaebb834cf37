//! What `keywheel init` writes.

use std::path::Path;

use anyhow::Context;
use keywheel_domain::id::CredentialName;
use keywheel_domain::schedule::Period;

use crate::args::InitKind;

const HEAD: &str = include_str!("head.toml");
const JWT_SIGNING_KEY: &str = include_str!("jwt_signing_key.toml");
#[cfg(feature = "postgres")]
const POSTGRESQL_PASSWORD: &str = include_str!("postgresql_password.toml");
#[cfg(feature = "redis")]
const REDIS_PASSWORD: &str = include_str!("redis_password.toml");
/// What logins have in common.
const POLICY: &str = include_str!("login_policy.toml");
const CONSUMERS: &str = include_str!("login_consumers.toml");

/// What the templates need to know of a credential.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    pub(super) kind: InitKind,
    pub(super) name: &'a CredentialName,
    pub(super) folder: &'a Path,
    pub(super) period: Period,
}

/// A whole configuration with that credential.
pub(super) fn whole(answers: &Answers<'_>) -> anyhow::Result<String> {
    Ok(format!("{HEAD}{}", credential(answers)?))
}

/// The credential alone, for a configuration that is there.
pub(super) fn credential(answers: &Answers<'_>) -> anyhow::Result<String> {
    let folder = answers.folder.to_str();
    let folder = folder.context("the folder's name is no text; choose one in UTF-8")?;
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let template = match answers.kind {
        InitKind::JwtSigningKey => JWT_SIGNING_KEY,
        #[cfg(feature = "postgres")]
        InitKind::PostgresqlPassword => POSTGRESQL_PASSWORD,
        #[cfg(feature = "redis")]
        InitKind::RedisPassword => REDIS_PASSWORD,
    };
    let filled = template
        .replace("@POLICY@\n", &format!("{POLICY}\n"))
        .replace("@CONSUMERS@\n", CONSUMERS)
        .replace("@NAME@", &quoted(answers.name.as_str()))
        .replace("@LOGIN@", &quoted(login(answers.name)))
        .replace("@PERIOD@", &quoted(&answers.period.to_string()))
        .replace("@FOLDER@", &quoted(folder));
    Ok(filled)
}

/// Credentials are mostly named after their application, and so are its roles.
fn login(name: &CredentialName) -> &str {
    name.as_str().split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::config::{Config, ConfigError};

    fn text(kind: InitKind, folder: &str) -> String {
        let name = "goimg/it".parse().unwrap();
        let answers = Answers {
            kind,
            name: &name,
            folder: Path::new(folder),
            period: Period::months(3),
        };
        whole(&answers).unwrap()
    }

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("/x/keywheel.toml"), text)
    }

    #[test]
    fn what_is_written_can_be_read() {
        for kind in InitKind::value_variants() {
            let text = text(*kind, "/etc/a \"b\"");
            let placeholders = ["@POLICY@", "@CONSUMERS@", "@NAME@", "@LOGIN@", "@PERIOD@", "@FOLDER@"];
            assert!(
                !placeholders.iter().any(|placeholder| text.contains(placeholder)),
                "{text}"
            );
            let config = parse(&text).unwrap();
            let credential = &config.credentials[0];
            let named = kind.to_possible_value().unwrap();
            assert_eq!(
                credential.kind,
                named.get_name(),
                "kinds are named as the configuration names them"
            );
            assert_eq!(credential.name.as_str(), "goimg/it");
            assert_eq!(credential.policy.period, Period::months(3));
            assert_eq!(credential.stores[0].folder(), Some(Path::new("/etc/a \"b\"")));
        }
    }

    /// A line of comment that sets something is what somebody will uncomment.
    #[test]
    fn every_setting_that_is_commented_out_can_be_used() {
        for kind in InitKind::value_variants() {
            let text = text(*kind, "keys");
            let settings = settings(&text);
            assert!(settings.len() > 20, "{settings:?}");
            for setting in settings {
                let used: Vec<_> = setting.iter().map(|line| line.trim_start_matches("# ")).collect();
                let used = text.replacen(&setting.join("\n"), &used.join("\n"), 1);
                if let Err(error) = parse(&used) {
                    // Some go together with another one; none has a name or a value that is not known.
                    let error = error.to_string();
                    let wrong = ["unknown field", "invalid", "no TOML", "is not"];
                    assert!(!wrong.iter().any(|wrong| error.contains(wrong)), "{setting:?}: {error}");
                }
            }
        }
    }

    /// The settings that are commented out: line by line, and whole tables.
    fn settings(text: &str) -> Vec<Vec<&str>> {
        let mut settings: Vec<Vec<&str>> = Vec::new();
        let mut in_table = false;
        for line in text.lines() {
            let is_setting = line.starts_with("# ") && line.contains(" = ") && !line.contains("CREATE ROLE");
            let begins_table = line.starts_with("# [");
            match settings.last_mut() {
                Some(table) if is_setting && in_table => table.push(line),
                _ if is_setting || begins_table => settings.push(vec![line]),
                _ => {}
            }
            in_table = begins_table || (in_table && is_setting);
        }
        settings
    }

    #[test]
    fn roles_are_named_after_the_application() {
        assert_eq!(login(&"goimg/postgres".parse().unwrap()), "goimg");
        assert_eq!(login(&"goimg".parse().unwrap()), "goimg");
    }
}
