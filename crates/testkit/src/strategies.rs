//! Policies, shapes, triggers and requests for property tests: everything that somebody may configure, sensible or not.

use jiff::SignedDuration;
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::plan::{MintedBy, Overlap, Shape};
use keywheel_domain::policy::{AtDeadline, DrainRule, EvidenceRule, Policy, RetryBudget, TokenLifetime};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::{EmergencyMode, LiveTokens, Trigger};
use keywheel_domain::view::View;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// A plan request that owns its parts.
#[derive(Debug, Clone)]
pub struct OwnedRequest {
    /// What the credential's backends can do.
    pub shape: Shape,
    /// The owner's rules.
    pub policy: Policy,
    /// Why it is rotated.
    pub trigger: Trigger,
    /// What the stores show.
    pub view: View,
    /// The version to be made.
    pub new: VersionNumber,
}

/// A length of time from nothing to some days; round numbers and equal ones are likely, because rules break at their borders.
pub fn lengths() -> impl Strategy<Value = SignedDuration> {
    let seconds = prop_oneof![
        Just(0i64),
        Just(60),
        Just(900),
        Just(3_600),
        Just(86_400),
        Just(172_800),
        Just(604_860),
        0..700_000i64,
    ];
    seconds.prop_map(SignedDuration::from_secs)
}

/// Every overlap with every maker, whether or not such a backend exists.
pub fn shapes() -> impl Strategy<Value = Shape> {
    let overlap = prop_oneof![
        Just(Overlap::TwoVersions),
        Just(Overlap::OneVersion),
        Just(Overlap::KeyRing)
    ];
    let minted_by = prop_oneof![Just(MintedBy::Us), Just(MintedBy::Authority)];
    let all = (overlap, minted_by, any::<bool>(), any::<bool>());
    all.prop_map(|(overlap, minted_by, can_suspend, archived)| Shape {
        overlap,
        minted_by,
        can_suspend,
        archived,
    })
}

/// Every trigger, with every mode of an emergency.
pub fn triggers() -> impl Strategy<Value = Trigger> {
    let mode = prop_oneof![Just(EmergencyMode::Expedited), Just(EmergencyMode::ContainFirst)];
    let live_tokens = prop_oneof![Just(LiveTokens::Honour), Just(LiveTokens::Refuse)];
    let emergency = (mode, live_tokens).prop_map(|(mode, live_tokens)| Trigger::Emergency {
        incident: "SEC-2026-0042".to_owned(),
        mode,
        live_tokens,
    });
    let manual = Trigger::Manual {
        reason: "somebody left".to_owned(),
    };
    prop_oneof![Just(Trigger::Routine), Just(manual), emergency]
}

/// Drain rules.
pub fn drains() -> impl Strategy<Value = DrainRule> {
    let evidence = prop_oneof![Just(EvidenceRule::Required), Just(EvidenceRule::IfAvailable)];
    let at_deadline = prop_oneof![
        Just(AtDeadline::Hold),
        Just(AtDeadline::Proceed),
        Just(AtDeadline::Unwind)
    ];
    (evidence, lengths(), lengths(), at_deadline).prop_map(|(evidence, quiet, deadline, at_deadline)| DrainRule {
        evidence,
        quiet,
        deadline,
        at_deadline,
    })
}

/// Token lifetimes: none, one, or several.
pub fn tokens() -> impl Strategy<Value = Vec<TokenLifetime>> {
    let token = lengths().prop_map(|lifetime| TokenLifetime {
        name: "access".to_owned(),
        lifetime,
    });
    vec(token, 0..3)
}

/// Retry budgets of a few attempts.
pub fn retries() -> impl Strategy<Value = RetryBudget> {
    (1..5u32, 1..10i64, 10..300i64).prop_map(|(attempts, first, longest)| RetryBudget {
        attempts,
        first: SignedDuration::from_secs(first),
        longest: SignedDuration::from_secs(longest),
    })
}

/// Policies with any of their numbers.
pub fn policies() -> impl Strategy<Value = Policy> {
    let times = (lengths(), lengths(), lengths(), lengths(), lengths(), lengths());
    let people = (vec("[a-z]{3}", 0..2), option::of(Just("nightly batch only".to_owned())));
    let rest = (tokens(), drains(), retries(), lengths());
    (times, people, rest).prop_map(|(times, people, rest)| {
        let (grace, retention, soak, observe, tolerance, notice) = times;
        let (approvers, interruption) = people;
        let (tokens, drain, retry, clock_skew) = rest;
        Policy {
            grace,
            retention,
            soak,
            observe,
            tolerance,
            notice,
            approvers,
            interruption,
            tokens,
            drain,
            retry,
            clock_skew,
            ..Policy::new(Period::months(3))
        }
    })
}

/// Requests for plans, most of which have one.
pub fn requests() -> impl Strategy<Value = OwnedRequest> {
    let numbers = (1..9u64, 1..5u64, 1..100u64);
    (shapes(), policies(), triggers(), numbers).prop_map(|(shape, policy, trigger, (old, ahead, revision))| {
        let old = VersionNumber(old);
        OwnedRequest {
            shape,
            policy,
            trigger,
            view: View::new(Revision(revision), old, [old]),
            new: VersionNumber(old.0 + ahead),
        }
    })
}
