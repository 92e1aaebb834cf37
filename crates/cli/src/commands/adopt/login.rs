//! A login that exists: a user or role, and its password.

use dialoguer::Password;
use keywheel_domain::material::{Material, Secret};
use zeroize::Zeroizing;

use anyhow::Context;

use super::Existing;
use super::file::{self, Wanted};
use crate::args::AdoptArgs;
use crate::config::{CredentialConfig, SecretPlace};
use crate::exit::Problem;
use crate::{output, surroundings};

const PASSWORD: Wanted = Wanted {
    what: "password",
    file: "the file itself",
    missing: "name its file with --password-file, or make a first one with --create",
};

/// The login that the arguments and the configuration name. A password is never an argument: everybody on the machine can read
/// those.
pub(super) fn read(configured: &CredentialConfig, args: &AdoptArgs) -> anyhow::Result<Existing> {
    let username = args.username.clone().or_else(|| configured.existing.username.clone());
    let username = username
        .or_else(|| configured.issuer.login().map(str::to_owned))
        .unwrap_or_default();
    let file = args.password_file.clone().map(SecretPlace::File);
    let place = file.or_else(|| configured.existing.password.clone());
    let (password, origin, written) = match place {
        Some(SecretPlace::File(path)) => {
            let (bytes, written) = file::read(&path, PASSWORD)?;
            (bytes, path.display().to_string(), Some(written))
        }
        Some(SecretPlace::Variable(name)) => (from_variable(&name)?, format!("${name}"), None),
        None => (ask(&username)?, "the answer".to_owned(), None),
    };
    let secret = |bytes: Zeroizing<Vec<u8>>| Secret::new(bytes);
    let name = Zeroizing::new(username.clone().into_bytes());
    Ok(Existing {
        material: Material::single("username", secret(name)).with("password", secret(without_line_end(password)?)),
        origin: format!("{username} with the password from {origin}"),
        written,
    })
}

fn from_variable(name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let value = surroundings::variable(name);
    let value = value.ok_or_else(|| Problem::usage(format!("the environment variable {name} is not set, or empty")))?;
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}

fn ask(username: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if !output::can_ask() {
        return Err(Problem::usage(
            "nothing says where the existing password is; name its file with --password-file, or add `[credential.existing]` with `password_file` or `password_env`",
        )
        .into());
    }
    let answer = Password::new()
        .with_prompt(format!("Password of {username}"))
        .interact();
    let answer = Zeroizing::new(answer.context("the answer could not be read")?);
    Ok(Zeroizing::new(answer.as_bytes().to_vec()))
}

/// Without the end of the line that editors and `echo` leave.
fn without_line_end(bytes: Zeroizing<Vec<u8>>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Problem::usage("the password is no text; it has to be UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Problem::usage("the password is empty; name the file that holds it").into());
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}
