//! What applies where Keywheel makes the material.

use super::bench::Bench;

/// Neither with a version in use nor without one.
pub(super) async fn generating_has_no_effect_outside(bench: &Bench) {
    let before = bench.held().await;
    for current in [Some(&bench.current.attributes), None] {
        let made = bench.issuer.generate(&bench.next_id(), current, &bench.entropy).await;
        made.expect("generating succeeds");
    }
    assert_eq!(bench.held().await, before, "generating changes nothing");
    bench.works(&bench.current, "after another one was made").await;
}

/// What is made twice, because the first answer was lost, is another secret each time.
pub(super) async fn no_two_materials_are_the_same(bench: &Bench) {
    let (one, other) = (bench.generated().await, bench.generated().await);
    let bytes = [&one, &other, &bench.current].map(|version| version.material.encode());
    for (place, others) in [(0, 1), (0, 2), (1, 2)] {
        assert!(*bytes[place] != *bytes[others], "the same material was made twice");
    }
}

/// Made is not accepted.
pub(super) async fn a_version_that_nobody_accepted_is_refused_and_dead(bench: &Bench) {
    let new = bench.generated().await;
    bench.is_dead(&new, "before anybody accepted it").await;
    bench.works(&bench.current, "while another one is refused").await;
}
