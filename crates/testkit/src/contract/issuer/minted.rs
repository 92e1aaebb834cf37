//! What applies where the authority makes the material, and shows it once.

use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::ports::{ErrorKind, MintRequest};

use super::bench::{Bench, assert_fact, said};

async fn sweep(bench: &Bench, request: &MintRequest) {
    let swept = bench.issuer.sweep(request).await.expect("sweeping succeeds");
    assert_fact(&swept, EvidenceKind::Changed, "sweeping");
}

/// One thing more is held, under the name that it was asked for.
pub(super) async fn what_was_minted_is_accepted_beside_the_version_in_use(bench: &Bench) {
    let before = bench.held().await;
    let request = bench.mint_request().await;
    let new = bench.minted(&request).await;
    bench.works(&new, "after it was minted").await;
    bench.works(&bench.current, "after another one was minted").await;
    let mut after = bench.held().await;
    after.retain(|id, _| !before.contains_key(id));
    assert_eq!(after.len(), 1, "minting makes one thing: {after:?}");
    for name in after.into_values().flatten() {
        assert_eq!(name, request.name, "it has the name that it was asked for");
    }
}

/// Its secret was shown once, and is lost.
pub(super) async fn minting_again_deletes_what_the_lost_attempt_left_behind(bench: &Bench) {
    let request = bench.mint_request().await;
    let lost = bench.minted(&request).await;
    let held = bench.held().await;
    let new = bench.minted(&request).await;
    bench.is_dead(&lost, "after its attempt was repeated").await;
    bench.works(&new, "after the attempt was repeated").await;
    bench
        .works(&bench.current, "after an attempt to mint was repeated")
        .await;
    assert_eq!(bench.held().await.len(), held.len(), "the orphan is gone");
}

/// Not even what bears the same name. There may be no room for one more, and that is no reason to make some.
pub(super) async fn what_existed_before_is_never_touched(bench: &Bench) {
    let request = bench.mint_request().await;
    let first = bench.minted(&request).await;
    let held = bench.held().await;
    let again = MintRequest {
        existed_before: held.keys().cloned().collect(),
        ..request
    };
    sweep(bench, &again).await;
    assert_eq!(bench.held().await, held, "sweeping leaves what existed before");
    let minted = bench.issuer.mint(&again).await;
    assert!(
        minted
            .as_ref()
            .map_or_else(|error| error.kind == ErrorKind::Quota, |_| true),
        "minting succeeds, or there is no room: {}",
        said(&minted)
    );
    let after = bench.held().await;
    assert!(
        held.keys().all(|id| after.contains_key(id)),
        "minting leaves what existed before"
    );
    bench
        .works(&first, "though another one was asked for by its name")
        .await;
    bench.works(&bench.current, "though others were minted").await;
}

/// Another attempt's orphan is another attempt's to delete.
pub(super) async fn another_name_is_somebody_elses(bench: &Bench) {
    let request = bench.mint_request().await;
    let new = bench.minted(&request).await;
    let other = MintRequest {
        name: format!("{}0", request.name),
        ..request
    };
    sweep(bench, &other).await;
    bench.works(&new, "after another name was swept").await;
    bench.works(&bench.current, "after another name was swept").await;
}

/// And everything is as it was before anything was minted.
pub(super) async fn sweeping_twice_is_sweeping_once(bench: &Bench) {
    let before = bench.held().await;
    let request = bench.mint_request().await;
    let new = bench.minted(&request).await;
    for time in ["once", "twice"] {
        sweep(bench, &request).await;
        bench.is_dead(&new, &format!("after it was swept {time}")).await;
        bench
            .works(&bench.current, &format!("after the new one was swept {time}"))
            .await;
        assert_eq!(bench.held().await, before, "nothing is left that was minted");
    }
}

/// A rotation may go back before it minted anything.
pub(super) async fn sweeping_where_nothing_is_left_succeeds(bench: &Bench) {
    let before = bench.held().await;
    sweep(bench, &bench.mint_request().await).await;
    assert_eq!(bench.held().await, before, "there was nothing to sweep");
    bench.works(&bench.current, "after a sweep for nothing").await;
}
