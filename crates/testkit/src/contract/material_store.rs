//! What every material store has to keep.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::ports::{MaterialStore, SealedMaterial};

use crate::sample::{sealed, version_id};

/// Makes an empty store.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn MaterialStore>> + Send + Sync);

/// Runs every check, each on a store of its own.
///
/// # Panics
/// Where the store breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    what_was_put_comes_back_as_it_was(&*fresh().await).await;
    a_version_without_material_is_none(&*fresh().await).await;
    material_is_never_replaced(&*fresh().await).await;
    versions_and_credentials_are_kept_apart(&*fresh().await).await;
    destroyed_material_is_gone_and_no_other_is(&*fresh().await).await;
    destroying_what_is_not_there_succeeds(&*fresh().await).await;
    any_bytes_can_be_kept(&*fresh().await).await;
}

async fn put(store: &dyn MaterialStore, number: u64, tag: u8) -> SealedMaterial {
    let kept = store.put(&version_id(number), &sealed(tag)).await;
    kept.expect("putting material succeeds")
}

async fn get(store: &dyn MaterialStore, number: u64) -> Option<SealedMaterial> {
    store.get(&version_id(number)).await.expect("getting material succeeds")
}

/// `put` returns what is kept, and `get` returns the same.
pub async fn what_was_put_comes_back_as_it_was(store: &dyn MaterialStore) {
    assert_eq!(put(store, 1, 1).await, sealed(1));
    assert_eq!(get(store, 1).await, Some(sealed(1)));
}

/// Absence is no error.
pub async fn a_version_without_material_is_none(store: &dyn MaterialStore) {
    assert_eq!(get(store, 1).await, None);
}

/// The second `put` returns what the first one kept.
pub async fn material_is_never_replaced(store: &dyn MaterialStore) {
    put(store, 1, 1).await;
    assert_eq!(put(store, 1, 2).await, sealed(1));
    assert_eq!(get(store, 1).await, Some(sealed(1)));
}

/// Neither another number nor another credential is the same version.
pub async fn versions_and_credentials_are_kept_apart(store: &dyn MaterialStore) {
    put(store, 1, 1).await;
    put(store, 2, 2).await;
    let mut foreign = version_id(1);
    foreign.credential = "other/database".parse().expect("a plain name");
    assert_eq!(store.get(&foreign).await.expect("getting material succeeds"), None);
    assert_eq!(get(store, 1).await, Some(sealed(1)));
    assert_eq!(get(store, 2).await, Some(sealed(2)));
}

/// `destroy` forgets one version.
pub async fn destroyed_material_is_gone_and_no_other_is(store: &dyn MaterialStore) {
    put(store, 1, 1).await;
    put(store, 2, 2).await;
    store.destroy(&version_id(1)).await.expect("destroying succeeds");
    assert_eq!(get(store, 1).await, None);
    assert_eq!(get(store, 2).await, Some(sealed(2)));
}

/// Twice, and before there was anything.
pub async fn destroying_what_is_not_there_succeeds(store: &dyn MaterialStore) {
    for _ in 0..2 {
        store
            .destroy(&version_id(1))
            .await
            .expect("destroying nothing succeeds");
    }
}

/// Sealed bytes are no text: every value of a byte, and none at all.
pub async fn any_bytes_can_be_kept(store: &dyn MaterialStore) {
    let odd = SealedMaterial {
        key_id: "schlüssel/1".to_owned(),
        wrapped_key: (0..=255).collect(),
        nonce: Vec::new(),
        ciphertext: (0..=255).rev().cycle().take(100_000).collect(),
    };
    let kept = store.put(&version_id(1), &odd).await;
    assert_eq!(kept.expect("putting material succeeds"), odd);
    assert_eq!(get(store, 1).await, Some(odd));
}
