//! What every archive has to keep. That originals are destroyed only once the copy is safe is for the tests of those that have
//! originals.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{Archive, Effect, ErrorKind, SealedMaterial, Severity, VersionMaterial};
use keywheel_domain::version::Attributes;
use zeroize::Zeroizing;

use crate::sample::{sealed, version_id};

/// Makes an empty archive.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn Archive>> + Send + Sync);

/// Runs every check, each on an archive of its own.
///
/// # Panics
/// Where the archive breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    a_preflight_of_a_working_archive_blocks_nothing_and_changes_nothing(&*fresh().await).await;
    what_was_put_away_comes_back_as_it_was(&*fresh().await).await;
    a_version_that_is_not_archived_is_none(&*fresh().await).await;
    a_version_that_is_archived_stays_as_it_is(&*fresh().await).await;
    versions_and_credentials_are_kept_apart(&*fresh().await).await;
    any_bytes_can_be_archived(&*fresh().await).await;
}

/// The version of that number, as it was sealed.
pub fn version(number: u64) -> VersionMaterial {
    let password = Zeroizing::new(format!("the password of version {number}").into_bytes());
    VersionMaterial {
        id: version_id(number),
        material: Material::single("password", Secret::new(password)),
        attributes: Attributes::default(),
    }
}

async fn archive(archive: &dyn Archive, number: u64, tag: u8) -> Evidence {
    let archived = archive.archive(&version(number), &sealed(tag)).await;
    archived.expect("archiving succeeds")
}

async fn fetch(archive: &dyn Archive, number: u64) -> Option<SealedMaterial> {
    archive.fetch(&version_id(number)).await.expect("fetching succeeds")
}

/// Looking is not putting away.
pub async fn a_preflight_of_a_working_archive_blocks_nothing_and_changes_nothing(archive: &dyn Archive) {
    for _ in 0..2 {
        let findings = archive.preflight().await.expect("looking succeeds");
        assert!(
            findings.iter().all(|finding| finding.severity < Severity::Blocker),
            "{findings:?}"
        );
    }
    assert_eq!(fetch(archive, 1).await, None);
}

/// The copy is the same, and the evidence names the version.
pub async fn what_was_put_away_comes_back_as_it_was(store: &dyn Archive) {
    let evidence = archive(store, 1, 1).await;
    assert_eq!(
        (evidence.kind, evidence.subject),
        (EvidenceKind::Archived, version_id(1).to_string())
    );
    assert_eq!(fetch(store, 1).await, Some(sealed(1)));
}

/// Absence is no error.
pub async fn a_version_that_is_not_archived_is_none(archive: &dyn Archive) {
    assert_eq!(fetch(archive, 1).await, None);
}

/// Archiving again succeeds. Another copy of the same version is refused, because one of the two would be lost, and the first
/// one stays.
pub async fn a_version_that_is_archived_stays_as_it_is(store: &dyn Archive) {
    archive(store, 1, 1).await;
    archive(store, 1, 1).await;
    let refused = store.archive(&version(1), &sealed(2)).await;
    let refused = refused.expect_err("another copy is refused");
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Conflict, Effect::None),
        "{refused}"
    );
    assert_eq!(fetch(store, 1).await, Some(sealed(1)));
}

/// Neither another number nor another credential is the same version.
pub async fn versions_and_credentials_are_kept_apart(store: &dyn Archive) {
    archive(store, 1, 1).await;
    archive(store, 11, 11).await;
    let mut foreign = version_id(1);
    foreign.credential = "company.database".parse().expect("a plain name");
    assert_eq!(store.fetch(&foreign).await.expect("fetching succeeds"), None);
    assert_eq!(fetch(store, 1).await, Some(sealed(1)));
    assert_eq!(fetch(store, 11).await, Some(sealed(11)));
}

/// Sealed bytes are no text: every value of a byte, and none at all.
pub async fn any_bytes_can_be_archived(store: &dyn Archive) {
    let odd = SealedMaterial {
        key_id: "schlüssel/1".to_owned(),
        wrapped_key: (0..=255).collect(),
        nonce: Vec::new(),
        ciphertext: (0..=255).rev().cycle().take(100_000).collect(),
    };
    store.archive(&version(1), &odd).await.expect("archiving succeeds");
    assert_eq!(fetch(store, 1).await, Some(odd));
}
