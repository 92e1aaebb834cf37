//! `[credential.issuer]`: who accepts a credential, for each kind.

use std::path::{Path, PathBuf};

use keywheel_jwt::{KeyRingConfig, VerifierConfig};
#[cfg(feature = "postgres")]
use keywheel_postgres::PostgresConfig;
#[cfg(feature = "redis")]
use keywheel_redis::RedisConfig;

use super::document::Section;
use super::error::ConfigError;

/// The kinds of credentials, as the audit log names them.
pub(super) const KINDS: &[&str] = &[
    "jwt_signing_key",
    #[cfg(feature = "postgres")]
    "postgresql_password",
    #[cfg(feature = "redis")]
    "redis_password",
];

/// The issuer of a credential. Its paths are whole.
#[derive(Debug)]
pub(crate) enum IssuerConfig {
    KeyRing(KeyRingConfig),
    #[cfg(feature = "postgres")]
    Postgres(Guarded<PostgresConfig>),
    #[cfg(feature = "redis")]
    Redis(Guarded<RedisConfig>),
}

/// A backend that Keywheel logs in to, and where the password for that is.
#[cfg(any(feature = "postgres", feature = "prometheus", feature = "redis"))]
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    pub(crate) config: T,
    pub(crate) password: Option<SecretPlace>,
}

/// Where a secret of Keywheel's own is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    File(PathBuf),
    Variable(String),
}

impl IssuerConfig {
    /// The user or role that applications log in as, where it is one.
    pub(crate) fn login(&self) -> Option<&str> {
        match self {
            Self::KeyRing(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(guarded) => Some(guarded.config.role.as_str()),
            #[cfg(feature = "redis")]
            Self::Redis(guarded) => Some(guarded.config.user.as_str()),
        }
    }

    /// What a credential of that kind lacks that has no issuer.
    pub(super) fn missing(kind: &str) -> &'static str {
        match kind {
            "postgresql_password" => {
                "it has no issuer; add `[credential.issuer]` with `role = \"goimg\"` and `[credential.issuer.admin]`"
            }
            "redis_password" => {
                "it has no issuer; add `[credential.issuer]` with `user = \"default\"` and `nodes = [\"127.0.0.1:6379\"]`"
            }
            _ => "it has no issuer; add `[credential.issuer]` with `verifiers = [{ ring = \"/etc/api/keys\" }]`",
        }
    }

    pub(super) fn read(kind: &str, section: Section<'_>, base: &Path) -> Result<Self, ConfigError> {
        match kind {
            #[cfg(feature = "postgres")]
            "postgresql_password" => postgres(section, base).map(Self::Postgres),
            #[cfg(feature = "redis")]
            "redis_password" => redis(section, base).map(Self::Redis),
            _ => key_ring(section, base).map(Self::KeyRing),
        }
    }
}

impl SecretPlace {
    /// Takes `<name>_file` or `<name>_env` out of a section.
    pub(super) fn take(section: &mut Section<'_>, name: &str, base: &Path) -> Result<Option<Self>, ConfigError> {
        let place = section.place();
        let file: Option<PathBuf> = section.value(&format!("{name}_file"))?;
        let variable: Option<String> = section.value(&format!("{name}_env"))?;
        match (file, variable) {
            (Some(_), Some(_)) => Err(place.error(format!("there is `{name}_file` and `{name}_env`; name one place"))),
            (Some(file), None) => Ok(Some(Self::File(base.join(file)))),
            (None, variable) => Ok(variable.map(Self::Variable)),
        }
    }
}

#[cfg(feature = "postgres")]
fn postgres(mut section: Section<'_>, base: &Path) -> Result<Guarded<PostgresConfig>, ConfigError> {
    let password = password_of(&mut section, "admin", base)?;
    let place = section.place();
    let config: PostgresConfig = section.read()?;
    config.check().map_err(|error| place.error(error.to_string()))?;
    let config = config.relative_to(base);
    Ok(Guarded { config, password })
}

#[cfg(feature = "redis")]
fn redis(mut section: Section<'_>, base: &Path) -> Result<Guarded<RedisConfig>, ConfigError> {
    let password = SecretPlace::take(&mut section, "admin_password", base)?;
    let place = section.place();
    let config: RedisConfig = section.read()?;
    config.check().map_err(|error| place.error(error.to_string()))?;
    let config = config.relative_to(base);
    Ok(Guarded { config, password })
}

/// Takes the place of the password out of the table that says as whom Keywheel logs in.
#[cfg(feature = "postgres")]
fn password_of(section: &mut Section<'_>, key: &'static str, base: &Path) -> Result<Option<SecretPlace>, ConfigError> {
    let Some(mut admin) = section.section(key)? else {
        return Ok(None);
    };
    let password = SecretPlace::take(&mut admin, "password", base)?;
    section.put_back(key, admin);
    Ok(password)
}

fn key_ring(mut section: Section<'_>, base: &Path) -> Result<KeyRingConfig, ConfigError> {
    section.kind(&["key_ring"])?;
    let place = section.place();
    let mut config: KeyRingConfig = section.read()?;
    config.check().map_err(|error| place.error(error.to_string()))?;
    for verifier in &mut config.verifiers {
        match verifier {
            VerifierConfig::Ring(path) | VerifierConfig::Jwks(path) => *path = base.join(&*path),
            VerifierConfig::PublicKeys(paths) => paths.iter_mut().for_each(|path| *path = base.join(&*path)),
        }
    }
    config.reports.iter_mut().for_each(|path| *path = base.join(&*path));
    Ok(config)
}
