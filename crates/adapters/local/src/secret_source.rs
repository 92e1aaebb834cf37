//! Secrets of Keywheel's own: the passwords that it logs in to backends with.

use std::path::PathBuf;

use async_trait::async_trait;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{ErrorKind, PortError, SecretSource};
use zeroize::Zeroizing;

use crate::error::invalid;
use crate::private::{self, What};

/// Longer than any password that a server takes.
const LONGEST: usize = 4096;
const PASSWORD_FILE: What = What {
    name: "the password file",
    stolen: "change the password",
};

/// A file that nobody but its owner can read. It is read each time, because the password in it may be rotated, too.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: PathBuf,
}

/// An environment variable, whose value the caller gives: one place decides which are read.
#[derive(Debug, Clone)]
pub struct SecretVariable {
    name: String,
    value: Option<Secret>,
}

impl SecretFile {
    /// The secret in that file, without the end of its line.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl SecretVariable {
    /// The secret in the variable of that name; `None` where it is not set.
    pub fn new(name: &str, value: Option<Zeroizing<String>>) -> Self {
        let secret = |value: Zeroizing<String>| Secret::new(Zeroizing::new(value.as_bytes().to_vec()));
        Self {
            name: name.to_owned(),
            value: value.map(secret),
        }
    }
}

#[async_trait]
impl SecretSource for SecretFile {
    async fn read(&self) -> Result<Secret, PortError> {
        let mut text = Zeroizing::new([0; LONGEST]);
        let length = private::read(&self.path, PASSWORD_FILE, text.as_mut_slice())?;
        let line = &text[..length];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [] => Err(invalid(format!(
                "the password file {} is empty; write the password into it",
                self.path.display()
            ))),
            _ if length == LONGEST => Err(invalid(format!(
                "the password file {} holds {LONGEST} bytes or more, which is no password; name the right file",
                self.path.display()
            ))),
            _ => Ok(Secret::new(Zeroizing::new(line.to_vec()))),
        }
    }
}

#[async_trait]
impl SecretSource for SecretVariable {
    async fn read(&self) -> Result<Secret, PortError> {
        let problem = |what: &str| {
            format!(
                "the environment variable {} is {what}; set it to the password",
                self.name
            )
        };
        match &self.value {
            None => Err(PortError::permanent(ErrorKind::NotFound, problem("not set, or empty"))),
            Some(secret) if secret.expose().is_empty() => Err(invalid(problem("empty"))),
            Some(secret) => Ok(secret.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    async fn read(path: &Path) -> Result<Secret, PortError> {
        SecretFile::new(path.to_owned()).read().await
    }

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        file
    }

    #[tokio::test]
    async fn a_password_file_holds_one_password_and_the_end_of_its_line_is_no_part_of_it() {
        for text in ["hunter2 two", "hunter2 two\n", "hunter2 two\r\n"] {
            let secret = read(file(text, 0o600).path()).await.unwrap();
            assert_eq!(secret.expose_text(), Some("hunter2 two"));
        }
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_with_the_fix_and_without_its_content() {
        let open = file("hunter2", 0o640);
        let error = read(open.path()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(error.chain().contains("chmod 600"), "{}", error.chain());
        assert!(!error.chain().contains("hunter2"));
    }

    #[tokio::test]
    async fn what_holds_no_password_is_refused() {
        assert_eq!(
            read(file("\n", 0o600).path()).await.unwrap_err().kind,
            ErrorKind::Invalid
        );
        assert_eq!(
            read(file(&"x".repeat(LONGEST), 0o600).path()).await.unwrap_err().kind,
            ErrorKind::Invalid
        );
        assert_eq!(
            read(Path::new("/nowhere/password")).await.unwrap_err().kind,
            ErrorKind::NotFound
        );
    }

    #[tokio::test]
    async fn a_variable_that_is_not_set_is_named() {
        let source = SecretVariable::new("KEYWHEEL_TEST_PASSWORD", None);
        let error = source.read().await.unwrap_err();
        assert!(error.chain().contains("KEYWHEEL_TEST_PASSWORD"));
        let source = SecretVariable::new("X", Some(Zeroizing::new("hunter2".to_owned())));
        let secret = source.read().await.unwrap();
        assert_eq!(secret.expose_text(), Some("hunter2"));
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
