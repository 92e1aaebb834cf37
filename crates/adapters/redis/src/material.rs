//! The fields of a version: a user and a password.

use keywheel_domain::material::{Material, Secret};
use keywheel_domain::password::PasswordRule;
use keywheel_domain::ports::{Entropy, ErrorKind, PortError};
use keywheel_domain::version::Attributes;
use zeroize::Zeroizing;

use crate::acl;
use crate::config::{Mode, RedisConfig, Strategy};

/// The field, and the attribute, that names the user.
pub const USERNAME: &str = "username";
/// The field of the password.
pub const PASSWORD: &str = "password";
/// The field, and the attribute, of a twin that names the user whose rights it gets.
pub const RIGHTS_OF: &str = "rights_of";

/// Longer ones are refused by `CONFIG SET`.
const LONGEST: usize = 512;

/// What a client presents.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) hash: String,
    /// Whose rights a twin gets.
    pub(crate) rights_of: Option<String>,
}

/// Makes a version that can be accepted beside `current`.
pub(crate) fn generate(
    config: &RedisConfig,
    rule: &PasswordRule,
    current: Option<&Attributes>,
    entropy: &dyn Entropy,
) -> Result<Material, PortError> {
    let password = rule.generate(entropy)?;
    if config.mode == Mode::Sentinel && !is_plain(&password) {
        let message = "a password has a quote, a backslash or a `#`, which Sentinels write into their configuration file as it is; leave them out of `alphabet`";
        return Err(PortError::permanent(ErrorKind::Invalid, message));
    }
    let material = Material::single(PASSWORD, password);
    if config.strategy != Strategy::TwinUsers {
        return Ok(material.with(USERNAME, public(&config.user)));
    }
    let [a, b] = config.twins();
    let presented = current.and_then(|attributes| attributes.get(USERNAME));
    let presented = presented.unwrap_or(&config.user);
    let twin = if *presented == a { b } else { a };
    Ok(material
        .with(USERNAME, public(&twin))
        .with(RIGHTS_OF, public(presented)))
}

/// What is public about a version.
pub(crate) fn describe(config: &RedisConfig, material: &Material) -> Result<Attributes, PortError> {
    let credential = read(config, material)?;
    let rights = credential.rights_of.map(|user| (RIGHTS_OF.to_owned(), user));
    Ok([(USERNAME.to_owned(), credential.user)]
        .into_iter()
        .chain(rights)
        .collect())
}

/// Reads a version, and refuses what Redis or its clients could not take.
pub(crate) fn read(config: &RedisConfig, material: &Material) -> Result<Credential, PortError> {
    let invalid = |message: String| PortError::permanent(ErrorKind::Invalid, message);
    let name = |field: &str| {
        let secret = material.get(field);
        secret
            .map(|secret| {
                let known = secret
                    .expose_text()
                    .filter(|name| config.family().iter().any(|user| user == name));
                let message = || {
                    format!(
                        "`{field}` names no user of this credential; it has to be one of {}",
                        config.family().join(", ")
                    )
                };
                known.map(str::to_owned).ok_or_else(|| invalid(message()))
            })
            .transpose()
    };
    let password = material.get(PASSWORD);
    let password = password.ok_or_else(|| invalid("the material has no field `password`; add it".to_owned()))?;
    match password.expose_text() {
        None => return Err(invalid("the password is no UTF-8 text; choose another one".to_owned())),
        Some("") => return Err(invalid("the password is empty; choose another one".to_owned())),
        Some(text) if text.contains('\0') => {
            return Err(invalid(
                "the password has a zero byte, at which Redis cuts it off; choose another one".to_owned(),
            ));
        }
        Some(text) if text.len() > LONGEST => {
            return Err(invalid(format!(
                "the password has more than {LONGEST} bytes, which Redis does not take"
            )));
        }
        Some(_) => {}
    }
    Ok(Credential {
        user: name(USERNAME)?.unwrap_or_else(|| config.user.clone()),
        hash: acl::hash(password),
        password: password.clone(),
        rights_of: name(RIGHTS_OF)?,
    })
}

/// Whether a Sentinel can keep the password: it writes it into its file without quotes.
pub(crate) fn is_plain(password: &Secret) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\#".contains(byte);
    password.expose().iter().all(plain)
}

fn public(name: &str) -> Secret {
    Secret::new(Zeroizing::new(name.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use keywheel_testkit::fake::entropy::FakeEntropy;

    use super::*;

    fn config(strategy: &str) -> RedisConfig {
        let json = serde_json::json!({ "nodes": ["a:1"], "user": "goimg", "admin_user": "keywheel", "kind": strategy });
        serde_json::from_value(json).unwrap()
    }

    fn made(config: &RedisConfig, current: Option<&str>) -> Attributes {
        let current = current.map(|user| Attributes::from([(USERNAME.to_owned(), user.to_owned())]));
        let material = generate(config, &config.password, current.as_ref(), &FakeEntropy::seeded(7)).unwrap();
        describe(config, &material).unwrap()
    }

    fn password(bytes: &[u8]) -> Material {
        Material::single(PASSWORD, Secret::new(Zeroizing::new(bytes.to_vec())))
    }

    #[test]
    fn two_passwords_are_of_one_user_and_twins_alternate() {
        assert_eq!(made(&config("dual_password"), Some("goimg"))[USERNAME], "goimg");
        let twins = config("twin_users");
        for (current, next) in [
            (None, "goimg_a"),
            (Some("goimg"), "goimg_a"),
            (Some("goimg_a"), "goimg_b"),
            (Some("goimg_b"), "goimg_a"),
        ] {
            let made = made(&twins, current);
            assert_eq!(made[USERNAME], next);
            assert_eq!(made[RIGHTS_OF], current.unwrap_or("goimg"));
        }
    }

    #[test]
    fn attributes_hold_neither_the_password_nor_its_hash() {
        let config = config("dual_password");
        let material = password(b"hunter2hunter2");
        let attributes = describe(&config, &material).unwrap();
        assert_eq!(
            attributes,
            Attributes::from([(USERNAME.to_owned(), "goimg".to_owned())])
        );
    }

    #[test]
    fn what_redis_cannot_take_is_refused_without_repeating_it() {
        let config = config("dual_password");
        let foreign = password(b"canary-4711").with(USERNAME, public("canary"));
        for bad in [
            password(b""),
            password(b"canary\0x"),
            password(b"canary\xff"),
            password(&[b'c'; 513]),
            Material::default(),
            foreign,
        ] {
            let refused = describe(&config, &bad).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid);
            assert!(!refused.chain().contains("canary"), "{refused}");
        }
        assert!(describe(&config, &password("pä%\"'\\ \n$(x)".as_bytes())).is_ok());
    }

    #[test]
    fn a_sentinel_keeps_plain_passwords_only() {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        assert!(is_plain(&secret("aZ9-_.$%")));
        for bad in ["a b", "a\"", "a'", "a\\", "a#", "ä", "a\n"] {
            assert!(!is_plain(&secret(bad)), "{bad:?}");
        }
    }
}
