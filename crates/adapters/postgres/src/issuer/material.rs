//! What is sealed of a version: the name and the password, and the salt of the verifier, so that the same version always gets the
//! same verifier.

use keywheel_domain::material::{Material, Secret};
use keywheel_domain::password::PasswordRule;
use keywheel_domain::ports::{Entropy, ErrorKind, PortError};
use keywheel_domain::version::Attributes;
use zeroize::Zeroizing;

use crate::quote::RoleName;
use crate::scram::{self, SALT_LENGTH};

/// The field of a material, and the attribute, with the role's name.
pub const USERNAME: &str = "username";
/// The field of a material with the password.
pub const PASSWORD: &str = "password";
/// The field of a material with the salt of its verifier in base64. Material that was adopted has none.
pub const SALT: &str = "salt";

/// Longer ones are cut off or refused by some clients.
const LONGEST_PASSWORD: usize = 1000;

/// What is in a material.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) username: RoleName,
    password: Secret,
    pub(super) salt: Option<[u8; SALT_LENGTH]>,
}

impl Parts {
    /// The password. Text, not empty, without a NUL.
    pub(super) fn password(&self) -> &str {
        self.password.expose_text().expect("it was checked when it was read")
    }
}

/// Makes the material of a version that will log in as that role.
pub(super) fn make(username: &RoleName, rule: &PasswordRule, entropy: &dyn Entropy) -> Result<Material, PortError> {
    let salt = new_salt(entropy)?;
    let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
    Ok(Material::single(USERNAME, secret(username.as_str()))
        .with(PASSWORD, rule.generate(entropy)?)
        .with(SALT, secret(&scram::salt_text(&salt))))
}

pub(super) fn new_salt(entropy: &dyn Entropy) -> Result<[u8; SALT_LENGTH], PortError> {
    let mut salt = [0; SALT_LENGTH];
    entropy.fill(&mut salt)?;
    Ok(salt)
}

/// What is in a material.
///
/// # Errors
/// `Invalid`, without a word of what is in it.
pub(super) fn read(material: &Material) -> Result<Parts, PortError> {
    let text = |field| material.get(field).and_then(Secret::expose_text);
    let username = text(USERNAME).ok_or_else(|| missing(USERNAME))?;
    // Not shown: somebody may have put the password there.
    let no_name = |_| {
        invalid(format!(
            "`{USERNAME}` is not the name of a role, which has 1 to 63 bytes and no NUL"
        ))
    };
    let username = username.parse().map_err(no_name)?;
    let password = material.get(PASSWORD).ok_or_else(|| missing(PASSWORD))?;
    let usable = |text: &str| !text.is_empty() && !text.contains('\0') && text.len() <= LONGEST_PASSWORD;
    if !password.expose_text().is_some_and(usable) {
        let message = format!("`{PASSWORD}` has to be text of 1 to {LONGEST_PASSWORD} bytes without a NUL");
        return Err(invalid(message));
    }
    let salt = material.get(SALT).map(|_| text(SALT).and_then(scram::salt));
    if salt == Some(None) {
        return Err(invalid(format!("`{SALT}` has to be 16 bytes in base64")));
    }
    Ok(Parts {
        username,
        password: password.clone(),
        salt: salt.flatten(),
    })
}

/// What is public about a material.
pub(super) fn describe(parts: &Parts) -> Attributes {
    [(USERNAME.to_owned(), parts.username.to_string())].into()
}

fn missing(field: &str) -> PortError {
    invalid(format!(
        "the material has no field `{field}` with text in it, so it is no login of a database role"
    ))
}

fn invalid(message: String) -> PortError {
    PortError::permanent(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use keywheel_testkit::fake::entropy::FakeEntropy;

    use super::*;

    fn material(fields: &[(&str, &[u8])]) -> Material {
        let secret = |bytes: &[u8]| Secret::new(Zeroizing::new(bytes.to_vec()));
        fields.iter().fold(Material::default(), |material, (name, bytes)| {
            material.with(name, secret(bytes))
        })
    }

    #[test]
    fn what_is_made_is_read_again_with_its_salt() {
        let entropy = FakeEntropy::seeded(7);
        let made = make(&"goimg_a".parse().unwrap(), &PasswordRule::default(), &entropy).unwrap();
        let parts = read(&made).unwrap();
        assert_eq!(parts.password().len(), 32);
        assert!(parts.salt.is_some());
        assert_eq!(describe(&parts), [("username".to_owned(), "goimg_a".to_owned())].into());
    }

    #[test]
    fn what_a_person_brings_has_no_salt() {
        let parts = read(&material(&[("username", b"goimg"), ("password", "pä'ss".as_bytes())])).unwrap();
        assert_eq!((parts.password(), parts.salt), ("pä'ss", None));
    }

    #[test]
    fn what_cannot_be_a_login_is_refused_without_showing_it() {
        let long = [b'x'; 1001];
        let cases: [&[(&str, &[u8])]; 8] = [
            &[("password", b"canary")],
            &[("username", b"goimg")],
            &[("username", b"a\0canary"), ("password", b"canary")],
            &[("username", b"goimg"), ("password", b"")],
            &[("username", b"goimg"), ("password", b"canary\0")],
            &[("username", b"goimg"), ("password", b"canary\xff")],
            &[("username", b"goimg"), ("password", &long)],
            &[("username", b"goimg"), ("password", b"canary"), ("salt", b"canary")],
        ];
        for fields in cases {
            let error = read(&material(fields)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(
                !error.chain().contains("canary") && !error.chain().contains("xxx"),
                "{error}"
            );
        }
    }
}
