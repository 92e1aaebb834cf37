//! What applies where the next version ends the last one.

use futures_util::FutureExt;
use keywheel_domain::plan::MintedBy;

use super::bench::Bench;

/// Replacing twice is replacing once.
pub(super) async fn a_replacement_ends_the_old_version_and_begins_the_new_one(bench: &Bench) {
    if bench.issuer.capabilities().minted_by == MintedBy::Authority {
        return;
    }
    let new = bench.generated().await;
    for time in ["once", "twice"] {
        bench.replace(&new).await;
        bench.works(&new, &format!("after it took the place {time}")).await;
        bench
            .is_dead(&bench.current, &format!("after it was replaced {time}"))
            .await;
    }
}

/// The old version comes back as it was.
pub(super) async fn a_replacement_may_be_undone(bench: &Bench) {
    if bench.issuer.capabilities().minted_by == MintedBy::Authority {
        return;
    }
    let new = bench.generated().await;
    bench.replace(&new).await;
    bench.replace(&bench.current).await;
    bench.works(&bench.current, "after its replacement was undone").await;
    bench.is_dead(&new, "after it was replaced by the old one").await;
}

/// Polled once and dropped, nobody knows whether it happened.
pub(super) async fn a_replacement_that_was_cut_off_may_be_repeated(bench: &Bench) {
    if bench.issuer.capabilities().minted_by == MintedBy::Authority {
        return;
    }
    let new = bench.generated().await;
    let _ = bench.issuer.replace(&new).now_or_never();
    bench.replace(&new).await;
    bench
        .works(&new, "after a replacement that was cut off was repeated")
        .await;
    bench
        .is_dead(&bench.current, "after a replacement that was cut off was repeated")
        .await;
}
