//! Secrets of Keywheel's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use keywheel_domain::ports::{ErrorKind, Retry, SecretSource};
use keywheel_local::{SecretFile, SecretVariable};
use keywheel_testkit::contract;
use keywheel_testkit::contract::secret_source::Sources;
use keywheel_testkit::leak::LeakHunter;
use zeroize::Zeroizing;

fn write(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn variable(value: Option<&str>) -> SecretVariable {
    SecretVariable::new("ROTATOR_PASSWORD", value.map(|value| Zeroizing::new(value.to_owned())))
}

#[tokio::test]
async fn files_and_variables_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| SecretFile::new(write(folder.path(), name, bytes, 0o600));
    contract::secret_source::check(&Sources {
        held: Arc::new(file("held", b"hunter2")),
        secret: Zeroizing::new(b"hunter2".to_vec()),
        missing: Arc::new(SecretFile::new(folder.path().join("missing"))),
        empty: Some(Arc::new(file("empty", b""))),
    })
    .await;
    contract::secret_source::check(&Sources {
        held: Arc::new(variable(Some("hunter2"))),
        secret: Zeroizing::new(b"hunter2".to_vec()),
        missing: Arc::new(variable(None)),
        empty: Some(Arc::new(variable(Some("")))),
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let source = SecretFile::new(folder.path().join("secret"));
    for secret in ["first", "second"] {
        let next = write(folder.path(), "next", secret.as_bytes(), 0o600);
        fs::rename(next, folder.path().join("secret")).unwrap();
        assert_eq!(source.read().await.unwrap().expose_text(), Some(secret));
    }
}

#[tokio::test]
async fn a_file_that_others_can_use_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
        let path = write(folder.path(), "secret", b"hunter2", mode);
        let refused = SecretFile::new(path.clone()).read().await.unwrap_err();
        assert_eq!((refused.kind, refused.retry), (ErrorKind::Forbidden, Retry::Never));
        let fix = format!("run `chmod 600 {}`, and change the password", path.display());
        assert!(refused.message().contains(&fix), "{refused}");
    }
    write(folder.path(), "secret", b"hunter2", 0o400);
    let link = folder.path().join("link");
    symlink("secret", &link).unwrap();
    assert!(SecretFile::new(link).read().await.is_ok(), "mounted secrets are links");
}

#[tokio::test]
async fn what_is_no_file_with_a_secret_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    write(folder.path(), "line", b"\n", 0o600);
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    for (name, kind, why) in [
        ("folder", ErrorKind::Invalid, "folder is not a file"),
        // Opened like a file, it would wait for somebody who writes, for ever.
        ("pipe", ErrorKind::Invalid, "pipe is not a file"),
        ("line", ErrorKind::Invalid, "line is empty; write the password into it"),
        ("line/secret", ErrorKind::Storage, "a file is in the place of a folder"),
    ] {
        let refused = SecretFile::new(folder.path().join(name)).read().await.unwrap_err();
        assert_eq!(refused.kind, kind, "{name}: {refused}");
        assert!(refused.message().contains(why), "{name}: {refused}");
    }
}

#[tokio::test]
async fn nothing_that_is_said_holds_the_secret_or_a_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut hunter = LeakHunter::new();
    let secret = hunter.plant("rotator", 7);
    let mut long = secret.expose().to_vec();
    long.resize(65_537, b'x');
    let value = secret.expose_text();
    let mut said = vec![format!("{:?} {:?}", variable(value), variable(value).read().await)];
    for (name, bytes, mode) in [
        ("open", secret.expose(), 0o644),
        ("long", &long, 0o600),
        ("fine", secret.expose(), 0o600),
    ] {
        let source = SecretFile::new(write(folder.path(), name, bytes, mode));
        said.push(format!("{source:?} {:?}", source.read().await));
    }
    for said in said {
        assert_eq!(hunter.search("what was said", said.as_bytes()), [], "{said}");
    }
}
