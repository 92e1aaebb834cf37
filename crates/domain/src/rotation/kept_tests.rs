//! How long the old version is kept.

use super::tests::{at, entry, manual, opened_by, policy, sample, until, walk};
use super::*;
use crate::plan::Overlap;
use crate::ports::Verdict;

#[test]
fn the_old_version_is_kept_for_its_retention_also_where_grace_is_cut_short() {
    let policy = policy();
    for overlap in [Overlap::TwoVersions, Overlap::KeyRing] {
        let first = opened_by(&policy, overlap, manual());
        let validating = until(Rotation::open(&first).unwrap(), "validate");
        // The last convergence before it was the one that everybody moved with.
        let moved = validating.last_at();
        let rotation = until(validating, "grace");
        let rotation = walk(rotation, [Event::CutShort { by: "bob".to_owned() }]);
        let rotation = until(rotation, "observe");
        let healthy = sample(Verdict::Healthy);
        let kept = moved + policy.retention;
        assert!(kept > rotation.step_since() + policy.observe);
        let one = SignedDuration::from_secs(1);
        let looked = rotation.judge(&healthy, kept - one);
        assert!(
            matches!(looked, Judgement::Hold { earliest, .. } if earliest == kept),
            "{looked:?}"
        );
        assert_eq!(rotation.judge(&healthy, kept), Judgement::Pass);
    }
}

#[test]
fn after_its_retention_it_is_still_observed_for_the_whole_time() {
    let policy = policy();
    let first = opened_by(&policy, Overlap::TwoVersions, manual());
    let suspending = until(Rotation::open(&first).unwrap(), "suspend");
    let late = (policy.retention * 2).as_secs();
    let step = suspending.position();
    let intent = Event::Intended {
        step,
        attempt: 1,
        existed_before: None,
    };
    let rotation = walk(suspending, [intent]);
    let done = Event::Done {
        step,
        evidence: Vec::new(),
        attributes: Attributes::new(),
    };
    let observing = rotation
        .clone()
        .apply(&entry(rotation.sequence().0 + 1, late, done))
        .unwrap();
    let healthy = sample(Verdict::Healthy);
    let over = at(late) + policy.observation();
    let one = SignedDuration::from_secs(1);
    assert!(matches!(observing.judge(&healthy, over - one), Judgement::Hold { .. }));
    assert_eq!(observing.judge(&healthy, over), Judgement::Pass);
}
