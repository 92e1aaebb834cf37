//! What chance decides.

use fastrand::Rng;
use jiff::SignedDuration;
use keywheel_domain::policy::{AtDeadline, DrainRule, EvidenceRule, Policy, RetryBudget, TokenLifetime};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::{EmergencyMode, LiveTokens, Trigger};
use keywheel_testkit::fault::{Fault, FaultPlan};
use keywheel_testkit::world::{FleetSetup, Setup, Style};

use crate::case::{APPROVER, Case};

const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// A company, and rules that its owner could have written.
pub(super) fn case(rng: &mut Rng) -> Case {
    let setup = setup(rng);
    Case {
        name: "life".to_owned(),
        policy: policy(rng, &setup),
        archived: rng.bool(),
        trigger: Trigger::Routine,
        is_longest: false,
        setup,
    }
}

fn setup(rng: &mut Rng) -> Setup {
    let styles = [
        Style::TwinUsers,
        Style::DualPassword,
        Style::TwinKeys,
        Style::InPlace,
        Style::KeyRing,
    ];
    let style = *rng.choice(&styles).unwrap_or(&Style::TwinUsers);
    let usual = Setup::new(style);
    let foreign = style == Style::TwinKeys && rng.bool();
    let fleet = |rng: &mut Rng| FleetSetup {
        instances: rng.usize(1..=3),
        pace: seconds(rng, 0..25),
        tells: rng.u8(0..5) > 0,
    };
    let fleets = (0..rng.usize(1..=3)).map(|_| fleet(rng)).collect();
    Setup {
        can_suspend: usual.can_suspend && rng.bool(),
        foreign,
        quota: usual.quota + usize::from(foreign),
        stores: rng.usize(1..=2),
        fleets,
        lifetime: if style == Style::KeyRing {
            seconds(rng, 5..200)
        } else {
            usual.lifetime
        },
        tells_usage: rng.bool(),
        ..usual
    }
}

fn policy(rng: &mut Rng, setup: &Setup) -> Policy {
    let lifetime = setup.lifetime.saturating_sub(SKEW).max(SignedDuration::ZERO);
    let token = TokenLifetime {
        name: "access".to_owned(),
        lifetime,
    };
    let deadlines = [AtDeadline::Hold, AtDeadline::Proceed, AtDeadline::Unwind];
    let told = setup.tells_usage && rng.bool();
    let approved = rng.u8(0..4) == 0;
    Policy {
        grace: setup.lifetime + seconds(rng, 1..60),
        retention: seconds(rng, 0..90),
        soak: seconds(rng, 0..40),
        observe: seconds(rng, 0..40),
        tolerance: seconds(rng, 0..60),
        notice: seconds(rng, 0..60),
        retry: RetryBudget {
            attempts: rng.u32(1..6),
            first: seconds(rng, 1..5),
            longest: seconds(rng, 5..60),
        },
        converge_within: seconds(rng, 80..400),
        adopt_within: seconds(rng, 0..30),
        drain: DrainRule {
            evidence: if told {
                EvidenceRule::Required
            } else {
                EvidenceRule::IfAvailable
            },
            quiet: seconds(rng, 0..30),
            deadline: seconds(rng, 10..200),
            at_deadline: *rng.choice(&deadlines).unwrap_or(&AtDeadline::Hold),
        },
        approvers: approved.then(|| APPROVER.to_owned()).into_iter().collect(),
        tokens: vec![token],
        clock_skew: SKEW,
        interruption: (setup.style == Style::InPlace).then(|| "nightly batch only".to_owned()),
        step_timeout: seconds(rng, 20..150),
        poll: seconds(rng, 3..30),
        ..Policy::new(Period::months(3))
    }
}

fn seconds(rng: &mut Rng, range: std::ops::Range<i64>) -> SignedDuration {
    SignedDuration::from_secs(rng.i64(range))
}

/// Mostly what is planned, now and then an emergency.
pub(super) fn trigger(rng: &mut Rng) -> Trigger {
    let mode = if rng.bool() {
        EmergencyMode::Expedited
    } else {
        EmergencyMode::ContainFirst
    };
    let live_tokens = if rng.bool() {
        LiveTokens::Honour
    } else {
        LiveTokens::Refuse
    };
    match rng.u8(0..6) {
        0..2 => Trigger::Routine,
        2..4 => Trigger::Manual {
            reason: "somebody left".to_owned(),
        },
        _ => Trigger::Emergency {
            incident: "SEC-2026-0042".to_owned(),
            mode,
            live_tokens,
        },
    }
}

/// Quiet days, ordinary days, and days on which everything breaks.
pub(super) fn faults(rng: &mut Rng) -> FaultPlan {
    let in_a_thousand = *rng.choice(&[0, 5, 20, 60, 150]).unwrap_or(&0);
    let mut plan = FaultPlan::none();
    for call in 0..3_000 {
        if rng.u32(0..1_000) < in_a_thousand {
            let (fault, _) = Fault::NAMED[rng.usize(..Fault::NAMED.len())];
            plan = plan.and(call, fault);
        }
    }
    plan
}

/// How long somebody watches before pressing Ctrl-C: mostly to the end.
pub(super) fn watch(rng: &mut Rng, longest: SignedDuration) -> SignedDuration {
    if rng.u8(0..3) > 0 {
        longest
    } else {
        seconds(rng, 0..300)
    }
}
