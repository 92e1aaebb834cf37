//! Random histories are random only in their seed.

use std::collections::BTreeSet;

use keywheel_domain::rotation::Outcome;
use keywheel_tests::sim::live;

#[test]
fn the_same_seed_twice_is_the_same_life() {
    for seed in 1..40 {
        assert_eq!(live(seed), live(seed), "seed {seed}");
    }
}

#[test]
fn lives_differ_and_break_no_rule() {
    let lives: Vec<_> = (1_000_000..1_000_300).map(live).collect();
    let violated: Vec<_> = lives.iter().flat_map(|life| &life.violations).collect();
    assert!(violated.is_empty(), "{violated:?}");
    let digests: BTreeSet<u64> = lives.iter().map(|life| life.digest).collect();
    assert_eq!(digests.len(), lives.len());
    for outcome in [Outcome::Completed, Outcome::RolledBack] {
        let count = lives
            .iter()
            .flat_map(|life| &life.outcomes)
            .filter(|one| **one == outcome)
            .count();
        assert!(count > 100, "{count} rotations ended as {outcome:?}");
    }
}
