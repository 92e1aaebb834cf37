//! What every key provider has to keep.

use std::sync::Arc;

use keywheel_domain::ports::{ErrorKind, KeyProvider};

use crate::fake::entropy::FakeEntropy;

const DATA_KEY: [u8; 32] = *b"a data key of thirty-two bytes!!";
const CONTEXT: &[u8] = b"company/database#1";

/// Runs every check. The two providers hold different keys.
///
/// # Panics
/// Where the provider breaks the contract.
pub async fn check(keys: &Arc<dyn KeyProvider>, others: &Arc<dyn KeyProvider>) {
    the_key_id_stays_the_same_and_is_the_keys_own(&**keys, &**others).await;
    what_was_wrapped_is_unwrapped(&**keys).await;
    a_data_key_of_any_length_can_be_wrapped(&**keys).await;
    what_is_wrapped_twice_looks_different_and_shows_nothing(&**keys).await;
    another_context_is_not_authentic(&**keys).await;
    changed_bytes_are_not_authentic(&**keys).await;
    a_key_that_is_not_held_is_not_found(&**keys, &**others).await;
}

async fn wrap(keys: &dyn KeyProvider, data_key: &[u8], seed: u64) -> Vec<u8> {
    let wrapped = keys.wrap(data_key, CONTEXT, &FakeEntropy::seeded(seed)).await;
    wrapped.expect("wrapping succeeds")
}

async fn key_id(keys: &dyn KeyProvider) -> String {
    keys.key_id().await.expect("the key has an id")
}

async fn refusal(keys: &dyn KeyProvider, id: &str, wrapped: &[u8], context: &[u8]) -> ErrorKind {
    let refused = keys.unwrap(id, wrapped, context).await;
    refused.expect_err("it must not be unwrapped").kind
}

/// It is what sealed material is found by, so it never changes, and no two keys share one.
pub async fn the_key_id_stays_the_same_and_is_the_keys_own(keys: &dyn KeyProvider, others: &dyn KeyProvider) {
    assert_eq!(key_id(keys).await, key_id(keys).await);
    assert!(!key_id(keys).await.is_empty());
    assert_ne!(key_id(keys).await, key_id(others).await);
}

/// With the same id and the same context.
pub async fn what_was_wrapped_is_unwrapped(keys: &dyn KeyProvider) {
    let (id, wrapped) = (key_id(keys).await, wrap(keys, &DATA_KEY, 1).await);
    for _ in 0..2 {
        let unwrapped = keys.unwrap(&id, &wrapped, CONTEXT).await.expect("it is authentic");
        assert_eq!(*unwrapped, DATA_KEY);
    }
}

/// Also none at all.
pub async fn a_data_key_of_any_length_can_be_wrapped(keys: &dyn KeyProvider) {
    let id = key_id(keys).await;
    for length in [0, 1, 16, 64, 1000] {
        let data_key = vec![7; length];
        let wrapped = wrap(keys, &data_key, 1).await;
        let unwrapped = keys.unwrap(&id, &wrapped, CONTEXT).await.expect("it is authentic");
        assert_eq!(*unwrapped, data_key);
    }
}

/// The same key under other random bytes is other bytes.
pub async fn what_is_wrapped_twice_looks_different_and_shows_nothing(keys: &dyn KeyProvider) {
    let (one, other) = (wrap(keys, &DATA_KEY, 1).await, wrap(keys, &DATA_KEY, 2).await);
    assert_ne!(one, other);
    for wrapped in [one, other] {
        assert!(
            !wrapped
                .windows(8)
                .any(|part| DATA_KEY.windows(8).any(|key| key == part))
        );
    }
}

/// The context is authenticated along.
pub async fn another_context_is_not_authentic(keys: &dyn KeyProvider) {
    let (id, wrapped) = (key_id(keys).await, wrap(keys, &DATA_KEY, 1).await);
    for context in [b"company/database#2".as_slice(), b"", b"company/database#1 "] {
        assert_eq!(refusal(keys, &id, &wrapped, context).await, ErrorKind::Invalid);
    }
}

/// Any byte, and any missing part.
pub async fn changed_bytes_are_not_authentic(keys: &dyn KeyProvider) {
    let (id, wrapped) = (key_id(keys).await, wrap(keys, &DATA_KEY, 1).await);
    for place in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[place] ^= 0x10;
        assert_eq!(
            refusal(keys, &id, &changed, CONTEXT).await,
            ErrorKind::Invalid,
            "byte {place}"
        );
        assert_eq!(
            refusal(keys, &id, &wrapped[..place], CONTEXT).await,
            ErrorKind::Invalid,
            "{place} bytes"
        );
    }
}

/// Which is another answer than "not authentic": the key may be in a drawer somewhere.
pub async fn a_key_that_is_not_held_is_not_found(keys: &dyn KeyProvider, others: &dyn KeyProvider) {
    let (id, wrapped) = (key_id(others).await, wrap(others, &DATA_KEY, 1).await);
    assert_eq!(refusal(keys, &id, &wrapped, CONTEXT).await, ErrorKind::NotFound);
}
