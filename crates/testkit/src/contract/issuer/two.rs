//! What applies where two versions are accepted at once.

use futures_util::FutureExt;
use keywheel_domain::plan::MintedBy;

use super::bench::{Bench, said};

/// Staging twice is staging once, also where the first call was cut off.
pub(super) async fn both_versions_are_accepted_while_they_overlap(bench: &Bench) {
    let new = bench.accepted_next().await;
    let held = bench.held().await;
    bench.works(&bench.current, "beside the new one").await;
    bench.works(&new, "beside the old one").await;
    if bench.issuer.capabilities().minted_by == MintedBy::Us {
        // Polled once and dropped: where it was cut off, nobody knows.
        let _ = bench.issuer.stage(&new).now_or_never();
        bench.stage(&new).await;
        assert_eq!(bench.held().await, held, "staging twice is staging once");
        bench.works(&bench.current, "after the new one was staged twice").await;
        bench.works(&new, "after it was staged twice").await;
    }
}

/// Where the authority holds the two apart, nothing that is public about one is taken for the other.
pub(super) async fn the_new_version_has_names_of_its_own(bench: &Bench) {
    let before = bench.held().await;
    let new = bench.accepted_next().await;
    let after = bench.held().await;
    if after.len() > before.len() {
        assert_ne!(
            new.attributes, bench.current.attributes,
            "the authority holds them apart, and their attributes do not"
        );
    }
}

/// The end of a rotation. Retiring twice is retiring once, and what is gone may be retired again.
pub(super) async fn a_version_that_is_retired_is_dead_and_the_other_works(bench: &Bench) {
    let new = bench.accepted_next().await;
    let _ = bench.issuer.retire(&bench.current).now_or_never();
    for time in ["once", "twice"] {
        bench.retire(&bench.current).await;
        bench
            .is_dead(&bench.current, &format!("after it was retired {time}"))
            .await;
        bench
            .works(&new, &format!("after the old one was retired {time}"))
            .await;
    }
}

/// The end of a rotation that went back.
pub(super) async fn a_new_version_that_is_retired_leaves_the_old_one_working(bench: &Bench) {
    let new = bench.accepted_next().await;
    for time in ["once", "twice"] {
        bench.retire(&new).await;
        bench.is_dead(&new, &format!("after it was retired {time}")).await;
        bench
            .works(&bench.current, &format!("after the new one was retired {time}"))
            .await;
    }
}

/// A rotation may go back before it staged anything.
pub(super) async fn a_version_that_never_was_may_be_retired(bench: &Bench) {
    if bench.issuer.capabilities().minted_by == MintedBy::Authority {
        return;
    }
    let new = bench.generated().await;
    bench.retire(&new).await;
    bench.is_dead(&new, "after it was retired and never staged").await;
    bench.works(&bench.current, "after one that never was is retired").await;
}

/// Each twice: doing it twice is doing it once.
pub(super) async fn a_suspended_version_is_dead_until_it_is_reinstated(bench: &Bench) {
    let new = bench.accepted_next().await;
    let _ = bench.issuer.suspend(&bench.current).now_or_never();
    for time in ["once", "twice"] {
        bench.suspend(&bench.current).await;
        bench
            .is_dead(&bench.current, &format!("after it was suspended {time}"))
            .await;
        bench
            .works(&new, &format!("after the old one was suspended {time}"))
            .await;
    }
    let _ = bench.issuer.reinstate(&bench.current).now_or_never();
    for time in ["once", "twice"] {
        bench.reinstate(&bench.current).await;
        bench
            .works(&bench.current, &format!("after it was reinstated {time}"))
            .await;
        bench
            .works(&new, &format!("after the old one was reinstated {time}"))
            .await;
    }
}

/// The other way round.
pub(super) async fn a_new_version_that_is_suspended_leaves_the_old_one_working(bench: &Bench) {
    let new = bench.accepted_next().await;
    bench.suspend(&new).await;
    bench.is_dead(&new, "after it was suspended").await;
    bench.works(&bench.current, "after the new one was suspended").await;
    bench.reinstate(&new).await;
    bench.works(&new, "after it was reinstated").await;
    bench.works(&bench.current, "after the new one was reinstated").await;
}

/// It is accepted already.
pub(super) async fn reinstating_what_is_not_suspended_changes_nothing(bench: &Bench) {
    let new = bench.accepted_next().await;
    let held = bench.held().await;
    bench.reinstate(&bench.current).await;
    assert_eq!(bench.held().await, held, "reinstating what is accepted changes nothing");
    bench.works(&bench.current, "after it was reinstated for nothing").await;
    bench.works(&new, "after the old one was reinstated for nothing").await;
}

/// Suspending succeeds, and to reinstate it is a promise that is kept or an error.
pub(super) async fn a_version_that_is_gone_may_be_suspended(bench: &Bench) {
    let new = bench.accepted_next().await;
    bench.retire(&bench.current).await;
    bench.suspend(&bench.current).await;
    bench
        .is_dead(&bench.current, "after it was retired and then suspended")
        .await;
    bench.works(&new, "after one that is gone was suspended").await;
    let reinstated = bench.issuer.reinstate(&bench.current).await;
    let proven = bench.issuer.prove(&bench.current).await;
    assert_eq!(
        reinstated.is_ok(),
        proven.is_ok(),
        "a version that is gone was reinstated ({}), and to prove it: {}",
        said(&reinstated),
        said(&proven)
    );
    bench.works(&new, "after one that is gone was to be reinstated").await;
}

/// The usual way: out of use, watched, destroyed.
pub(super) async fn a_suspended_version_may_be_retired(bench: &Bench) {
    let new = bench.accepted_next().await;
    bench.suspend(&bench.current).await;
    bench.retire(&bench.current).await;
    bench
        .is_dead(&bench.current, "after it was suspended and retired")
        .await;
    bench.works(&new, "after the old one was suspended and retired").await;
}
