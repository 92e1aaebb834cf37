//! What every source of secrets has to keep. That nothing it says holds a part of the secret is for the tests of each source, which
//! know what it could say.

use std::sync::Arc;

use keywheel_domain::ports::{Effect, ErrorKind, SecretSource};
use zeroize::Zeroizing;

use super::alarm::in_time;

/// A source in each state.
#[derive(Debug)]
pub struct Sources {
    /// It holds this secret.
    pub held: Arc<dyn SecretSource>,
    /// That secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// There is none at its place.
    pub missing: Arc<dyn SecretSource>,
    /// There is an empty one, where there can be such a thing.
    pub empty: Option<Arc<dyn SecretSource>>,
}

/// Runs every check, and none for ever.
///
/// # Panics
/// Where a source breaks the contract.
pub async fn check(sources: &Sources) {
    in_time(
        "a secret that is there",
        a_secret_is_given_as_often_as_it_is_asked_for(sources),
    )
    .await;
    in_time(
        "a secret that is missing",
        a_secret_that_is_missing_is_not_found(&*sources.missing),
    )
    .await;
    if let Some(empty) = &sources.empty {
        in_time("an empty secret", an_empty_secret_is_invalid(&**empty)).await;
    }
}

/// The whole of it, each time.
pub async fn a_secret_is_given_as_often_as_it_is_asked_for(sources: &Sources) {
    for _ in 0..2 {
        let read = sources.held.read().await.expect("reading succeeds");
        assert!(read.expose() == sources.secret.as_slice(), "another secret was read");
    }
}

/// And the message names the place and the fix.
pub async fn a_secret_that_is_missing_is_not_found(missing: &dyn SecretSource) {
    let refused = missing.read().await.expect_err("there is none");
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::NotFound, Effect::None),
        "{refused}"
    );
    assert!(
        refused.message().contains(';'),
        "it says where, and what to do: {refused}"
    );
}

/// A server that takes any password would take this one.
pub async fn an_empty_secret_is_invalid(empty: &dyn SecretSource) {
    let refused = empty.read().await.expect_err("it is empty");
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Invalid, Effect::None),
        "{refused}"
    );
}
