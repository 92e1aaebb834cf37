//! Keys from files and variables.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use keywheel_domain::ports::{Entropy, ErrorKind, KeyProvider, PortError};
use keywheel_local::config::KeyConfig;
use keywheel_local::{LocalKeys, OsEntropy, create_key_file};
use zeroize::Zeroizing;

fn load(config: &str, base: &Path) -> Result<LocalKeys, PortError> {
    let config: KeyConfig = toml::from_str(config).unwrap();
    let variable = |name: &str| (name == "KEYWHEEL_KEY").then(|| Zeroizing::new(SEVENS.to_owned()));
    LocalKeys::load(&config, base, &variable)
}

const SEVENS: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

#[tokio::test]
async fn a_key_file_is_made_for_its_owner_alone_and_is_the_key_that_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keywheel.key");
    let id = create_key_file(&path, &OsEntropy).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap().len(), 45);
    assert_eq!(
        load("file = 'keywheel.key'", folder.path())
            .unwrap()
            .key_id()
            .await
            .unwrap(),
        id
    );
}

#[test]
fn a_key_file_that_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keywheel.key");
    create_key_file(&path, &OsEntropy).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = create_key_file(&path, &OsEntropy).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message().contains("exists already"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _buffer: &mut [u8]) -> Result<(), PortError> {
        Err(PortError::permanent(ErrorKind::Internal, "none today"))
    }
}

#[test]
fn without_randomness_or_a_folder_there_is_no_key_file() {
    let folder = tempfile::tempdir().unwrap();
    assert!(create_key_file(&folder.path().join("a.key"), &NoEntropy).is_err());
    let refused = create_key_file(&folder.path().join("missing/a.key"), &OsEntropy).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_key_file_that_others_can_use_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keywheel.key");
    create_key_file(&path, &OsEntropy).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = load("file = 'keywheel.key'", folder.path()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Forbidden);
        assert!(refused.message().contains("chmod 600"), "{refused}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(load("file = 'keywheel.key'", folder.path()).is_ok());
}

#[test]
fn a_link_to_a_key_file_is_followed_and_the_file_is_what_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.key");
    create_key_file(&path, &OsEntropy).unwrap();
    symlink(&path, folder.path().join("keywheel.key")).unwrap();
    assert!(load("file = 'keywheel.key'", folder.path()).is_ok());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load("file = 'keywheel.key'", folder.path()).is_err());
}

#[test]
fn keys_that_cannot_be_used_are_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("short.key", "Y2FuYXJ5LTQ3MTE=");
    write("text.key", "canary 4711");
    write("long.key", &SEVENS.repeat(200));
    fs::create_dir(folder.path().join("folder.key")).unwrap();
    for (config, why) in [
        ("file = 'short.key'", "holds 11 bytes, and a key has 32"),
        ("file = 'text.key'", "does not hold base64"),
        ("file = 'long.key'", "does not hold base64"),
        ("file = 'folder.key'", "is not a file"),
        ("file = 'missing.key'", "missing.key"),
        ("env = 'MISSING'", "MISSING is not set"),
        ("", "either `file` or `env`"),
        ("file = 'a'\nenv = 'b'", "and not both"),
        (
            "env = 'KEYWHEEL_KEY'\n[[old]]\nfile = 'short.key'",
            "short.key holds 11 bytes",
        ),
    ] {
        let refused = load(config, folder.path()).unwrap_err();
        assert!(refused.message().contains(why), "{config}: {refused}");
        assert!(!refused.chain().contains("canary"), "{refused}");
    }
}

#[tokio::test]
async fn an_old_key_still_unwraps_and_no_longer_wraps() {
    let folder = tempfile::tempdir().unwrap();
    let before = load("env = 'KEYWHEEL_KEY'", folder.path()).unwrap();
    let wrapped = before.wrap(b"data key", b"context", &OsEntropy).await.unwrap();
    let old_id = before.key_id().await.unwrap();

    create_key_file(&folder.path().join("new.key"), &OsEntropy).unwrap();
    let alone = load("file = 'new.key'", folder.path()).unwrap();
    let refused = alone.unwrap(&old_id, &wrapped, b"context").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
    assert!(refused.message().contains("list the old one"), "{refused}");

    let both = load("file = 'new.key'\n[[old]]\nenv = 'KEYWHEEL_KEY'", folder.path()).unwrap();
    assert_eq!(*both.unwrap(&old_id, &wrapped, b"context").await.unwrap(), b"data key");
    assert_ne!(both.key_id().await.unwrap(), old_id);
    assert!(!format!("{both:?}").contains("BwcH"));
}
