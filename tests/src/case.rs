//! Every shape of plan with every trigger.

use jiff::SignedDuration;
use keywheel_domain::policy::{AtDeadline, DrainRule, EvidenceRule, Policy, RetryBudget, TokenLifetime};
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::{EmergencyMode, LiveTokens, Trigger};
use keywheel_testkit::world::{Setup, Style};

/// Who may approve in the cases that need it.
pub const APPROVER: &str = "grace";

/// One company with one reason to rotate.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called on a command line: `twin-users-routine`.
    pub name: String,
    /// The company.
    pub setup: Setup,
    /// Whether retired versions are archived.
    pub archived: bool,
    /// The owner's rules.
    pub policy: Policy,
    /// Why it is rotated.
    pub trigger: Trigger,
    /// Whether no other case has a longer plan with the same steps in the same order. The plan of a routine rotation is that of
    /// one that somebody asked for, without the approval; the plan without an archive is the one with it, without that step. So
    /// the pairs of faults in a shorter plan are also met in the longer one.
    pub is_longest: bool,
}

impl Case {
    /// Every case: the shapes are those that lead to different plans.
    pub fn all() -> Vec<Self> {
        let shapes = [
            ("twin-users", Style::TwinUsers, true, true),
            ("twin-users-final", Style::TwinUsers, false, false),
            ("dual-password", Style::DualPassword, true, false),
            ("dual-password-final", Style::DualPassword, false, true),
            ("twin-keys", Style::TwinKeys, true, false),
            ("twin-keys-archived", Style::TwinKeys, true, true),
            ("twin-keys-final", Style::TwinKeys, false, false),
            ("twin-keys-final-archived", Style::TwinKeys, false, true),
            ("in-place", Style::InPlace, false, false),
            ("in-place-archived", Style::InPlace, false, true),
            ("key-ring", Style::KeyRing, false, false),
            ("key-ring-archived", Style::KeyRing, false, true),
        ];
        let mut cases = Vec::new();
        for (shape, style, can_suspend, archived) in shapes {
            for (why, trigger) in triggers(style) {
                let setup = setup(style, can_suspend);
                cases.push(Self {
                    name: format!("{shape}-{why}"),
                    policy: policy(&setup, &trigger),
                    setup,
                    archived,
                    is_longest: archived && trigger != Trigger::Routine,
                    trigger,
                });
            }
        }
        cases
    }

    /// The case of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|case| case.name == name)
    }
}

fn setup(style: Style, can_suspend: bool) -> Setup {
    let foreign = style == Style::TwinKeys && !can_suspend;
    Setup {
        can_suspend,
        foreign,
        quota: if foreign { 3 } else { 2 },
        ..Setup::new(style)
    }
}

/// What a trigger means for tokens makes a difference for key rings alone.
fn triggers(style: Style) -> Vec<(&'static str, Trigger)> {
    let emergency = |mode, live_tokens| Trigger::Emergency {
        incident: "SEC-2026-0042".to_owned(),
        mode,
        live_tokens,
    };
    let manual = Trigger::Manual {
        reason: "somebody left".to_owned(),
    };
    let mut triggers = vec![
        ("routine", Trigger::Routine),
        ("manual", manual),
        ("expedited", emergency(EmergencyMode::Expedited, LiveTokens::Honour)),
        ("contain", emergency(EmergencyMode::ContainFirst, LiveTokens::Refuse)),
    ];
    if style == Style::KeyRing {
        let refuse = emergency(EmergencyMode::Expedited, LiveTokens::Refuse);
        triggers.push(("expedited-refuse", refuse));
    }
    triggers
}

/// A policy of seconds. The order of its numbers is that of a real one: grace outlasts tokens, one call may take longer than a
/// late answer. What somebody asked for by hand has to be approved.
fn policy(setup: &Setup, trigger: &Trigger) -> Policy {
    let seconds = SignedDuration::from_secs;
    let skew = seconds(1);
    let token = TokenLifetime {
        name: "access".to_owned(),
        lifetime: setup.lifetime.saturating_sub(skew).max(seconds(0)),
    };
    let by_hand = matches!(trigger, Trigger::Manual { .. });
    Policy {
        grace: seconds(20),
        retention: seconds(0),
        soak: seconds(0),
        observe: seconds(0),
        tolerance: seconds(30),
        notice: seconds(0),
        retry: RetryBudget {
            attempts: 3,
            first: seconds(2),
            longest: seconds(30),
        },
        converge_within: seconds(60),
        adopt_within: seconds(5),
        drain: DrainRule {
            evidence: EvidenceRule::IfAvailable,
            quiet: seconds(0),
            deadline: seconds(60),
            at_deadline: AtDeadline::Hold,
        },
        approvers: by_hand.then(|| APPROVER.to_owned()).into_iter().collect(),
        tokens: vec![token],
        clock_skew: skew,
        interruption: (setup.style == Style::InPlace).then(|| "nightly batch only".to_owned()),
        step_timeout: seconds(100),
        poll: seconds(20),
        ..Policy::new(Period::months(3))
    }
}
