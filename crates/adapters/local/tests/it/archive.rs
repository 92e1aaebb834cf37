//! The archive, and the originals that it destroys.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use keywheel_domain::ports::{Archive, Effect, ErrorKind, Severity};
use keywheel_local::FolderArchive;
use keywheel_local::config::ArchiveConfig;
use keywheel_testkit::contract::archive::version;
use keywheel_testkit::sample::{sealed, version_id};

use crate::support::surroundings;

/// What the sample version 1 is.
const PASSWORD: &str = "the password of version 1";

fn archive(base: &Path, originals: &[&str]) -> FolderArchive {
    let config = ArchiveConfig {
        folder: "archive".into(),
        originals: originals.iter().map(Into::into).collect(),
    };
    FolderArchive::new(&config, &surroundings(base))
}

#[tokio::test]
async fn a_copy_is_a_file_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), &[])
        .archive(&version(3), &sealed(3))
        .await
        .unwrap();
    let path = folder.path().join("archive/company=database.v3.json");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(
        fs::metadata(folder.path().join("archive")).unwrap().mode() & 0o7777,
        0o700
    );
    assert_eq!(fs::read_dir(folder.path().join("archive")).unwrap().count(), 1);
}

#[tokio::test]
async fn originals_are_destroyed_once_the_copy_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("jwt_private.pem");
    fs::write(&original, PASSWORD).unwrap();
    let mut open = fs::File::open(&original).unwrap();
    let archive = archive(folder.path(), &["jwt_private.pem", "never-was.pem"]);
    let evidence = archive.archive(&version(1), &sealed(1)).await.unwrap();
    assert!(
        evidence
            .detail
            .contains("jwt_private.pem overwritten three times and removed"),
        "{}",
        evidence.detail
    );
    assert!(!evidence.detail.contains("never-was"), "{}", evidence.detail);
    assert!(!original.exists());
    let mut left = String::new();
    std::io::Read::read_to_string(&mut open, &mut left).unwrap();
    assert_eq!(left, "\0".repeat(PASSWORD.len()));
    archive.archive(&version(1), &sealed(1)).await.unwrap();
}

#[tokio::test]
async fn the_live_file_behind_a_link_is_never_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("..data")).unwrap();
    let live = folder.path().join("..data/jwt_private.pem");
    fs::write(&live, "the key in use").unwrap();
    symlink("..data/jwt_private.pem", folder.path().join("jwt_private.pem")).unwrap();
    let archive = archive(folder.path(), &["jwt_private.pem"]);
    let findings = archive.preflight().await.unwrap();
    assert!(
        findings.iter().any(|found| found.severity == Severity::Warning),
        "{findings:?}"
    );
    let evidence = archive.archive(&version(1), &sealed(1)).await.unwrap();
    assert!(evidence.detail.contains("left alone"), "{}", evidence.detail);
    assert_eq!(fs::read_to_string(live).unwrap(), "the key in use");
}

#[tokio::test]
async fn nothing_is_destroyed_where_the_copy_cannot_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("archive"), "a file in the way").unwrap();
    fs::write(folder.path().join("jwt_private.pem"), PASSWORD).unwrap();
    let archive = archive(folder.path(), &["jwt_private.pem"]);
    let findings = archive.preflight().await.unwrap();
    assert_eq!(findings[0].severity, Severity::Blocker);
    let refused = archive.archive(&version(1), &sealed(1)).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Storage, Effect::None));
    assert!(folder.path().join("jwt_private.pem").exists());
}

#[tokio::test]
async fn a_damaged_copy_is_an_error_that_names_it_and_destroys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path(), &["jwt_private.pem"]);
    fs::create_dir(folder.path().join("archive")).unwrap();
    fs::write(folder.path().join("archive/company=database.v1.json"), "{").unwrap();
    fs::write(folder.path().join("jwt_private.pem"), PASSWORD).unwrap();
    for refused in [
        archive.archive(&version(1), &sealed(1)).await.unwrap_err(),
        archive.fetch(&version_id(1)).await.unwrap_err(),
    ] {
        assert!(refused.message().contains("company=database.v1.json"), "{refused}");
        assert!(refused.message().contains("restore it"), "{refused}");
    }
    assert!(folder.path().join("jwt_private.pem").exists());
}

#[tokio::test]
async fn another_copy_of_the_version_is_a_conflict_that_names_it_and_destroys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), &[])
        .archive(&version(1), &sealed(1))
        .await
        .unwrap();
    fs::write(folder.path().join("jwt_private.pem"), PASSWORD).unwrap();
    let archive = archive(folder.path(), &["jwt_private.pem"]);
    let refused = archive.archive(&version(1), &sealed(2)).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::None));
    assert!(refused.message().contains("company=database.v1.json"), "{refused}");
    assert_eq!(archive.fetch(&version_id(1)).await.unwrap(), Some(sealed(1)));
    assert!(folder.path().join("jwt_private.pem").exists());
}

#[tokio::test]
async fn an_original_that_holds_something_else_is_left_alone_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (another, rendered) = (folder.path().join("another.pem"), folder.path().join("app.yaml"));
    fs::write(&another, "the password of version 2").unwrap();
    fs::write(&rendered, format!("password: {PASSWORD}\n")).unwrap();
    let archive = archive(folder.path(), &["another.pem", "app.yaml"]);
    let evidence = archive.archive(&version(1), &sealed(1)).await.unwrap();
    assert!(
        evidence
            .detail
            .contains("another.pem left alone: it does not hold this version"),
        "{}",
        evidence.detail
    );
    assert!(another.exists() && !rendered.exists());
}
