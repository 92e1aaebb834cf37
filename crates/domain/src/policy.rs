//! The rules that the owner of a credential sets.

use jiff::{SignedDuration, Span, SpanRelativeTo, Unit};
use serde::{Deserialize, Serialize};

use crate::schedule::Period;
use crate::window::Window;

/// Everything that the owner of a credential decides. Durations are exact; the period is in calendar terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How often it is rotated.
    pub period: Period,
    /// The IANA time zone of due dates, such as `Europe/Berlin`.
    pub time_zone: String,
    /// How long both versions stay valid after every consumer has moved.
    pub grace: SignedDuration,
    /// Whether grace runs after the due date or ends on it.
    pub grace_placement: GracePlacement,
    /// How long the old version is kept, at the least, after every consumer has moved; also where the grace is cut short. An
    /// emergency keeps nothing.
    pub retention: SignedDuration,
    /// How long health must hold, without a break, before grace begins.
    pub soak: SignedDuration,
    /// How long the old version stays suspended and damage is watched for, before it is destroyed.
    pub observe: SignedDuration,
    /// How long errors may persist before the rotation unwinds by itself.
    pub tolerance: SignedDuration,
    /// How long ahead people are told of a routine rotation.
    pub notice: SignedDuration,
    /// When a routine rotation may begin; at any time where there is none.
    pub windows: Vec<Window>,
    /// How failing steps are tried again.
    pub retry: RetryBudget,
    /// How long consumers may take to pick a delivery up.
    pub converge_within: SignedDuration,
    /// How long consumers that cannot be asked what they run take to pick a delivery up, at the most: the cache age of a
    /// published key set, a reload interval.
    pub adopt_within: SignedDuration,
    /// What is asked before the old version goes.
    pub drain: DrainRule,
    /// Who may approve; where this is empty nobody has to.
    pub approvers: Vec<String>,
    /// The tokens that a key ring signs, and how long each lives.
    pub tokens: Vec<TokenLifetime>,
    /// How far the clocks of signers and verifiers may be apart, and for how long past its expiry verifiers still accept a token:
    /// the sum of both.
    pub clock_skew: SignedDuration,
    /// The reason for which an interruption is accepted, where one is.
    pub interruption: Option<String>,
    /// How long one call to a backend may take.
    pub step_timeout: SignedDuration,
    /// How often waiting steps look again, and the canary authenticates.
    pub poll: SignedDuration,
}

/// Whether grace runs after the due date, or before it so that no version is ever older than its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GracePlacement {
    /// The rotation starts on the due date.
    AfterDue,
    /// The rotation starts early enough for the old version to end on the due date.
    BeforeDue,
}

/// How failing steps are tried again: doubling pauses, up to a number of attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    /// How many attempts one step has before the rotation is stuck.
    pub attempts: u32,
    /// The pause after the first failure.
    pub first: SignedDuration,
    /// The longest pause.
    pub longest: SignedDuration,
}

impl RetryBudget {
    /// The pause after the given attempt (1 for the first): doubling, capped.
    pub fn pause(&self, attempt: u32) -> SignedDuration {
        let doublings = attempt.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// What is asked before the old version goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainRule {
    /// Whether "nobody can tell" holds the rotation.
    pub evidence: EvidenceRule,
    /// How long the old version must have been unused.
    pub quiet: SignedDuration,
    /// How long uses may hold the rotation before `at_deadline` applies.
    pub deadline: SignedDuration,
    /// What happens when uses persist.
    pub at_deadline: AtDeadline,
}

/// Whether evidence of disuse has to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceRule {
    /// Without evidence the rotation holds.
    Required,
    /// Where no backend can tell, the time that passed has to do.
    IfAvailable,
}

/// What happens when uses persist beyond the drain's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtDeadline {
    /// Keep holding, and keep telling.
    Hold,
    /// Take the old version out of use all the same.
    Proceed,
    /// Go back to the old version.
    Unwind,
}

/// A kind of token and how long it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLifetime {
    /// Its name for people: `access`, `refresh`.
    pub name: String,
    /// From its signature to its expiry.
    pub lifetime: SignedDuration,
}

impl Policy {
    /// The defaults of this project for a credential of that period: the numbers of the usual runbook.
    pub fn new(period: Period) -> Self {
        let hours = SignedDuration::from_hours;
        let minutes = SignedDuration::from_mins;
        Self {
            period,
            time_zone: "UTC".to_owned(),
            grace: hours(48),
            grace_placement: GracePlacement::AfterDue,
            retention: hours(48),
            soak: minutes(5),
            observe: hours(2),
            tolerance: minutes(5),
            notice: hours(24),
            windows: Vec::new(),
            retry: RetryBudget {
                attempts: 5,
                first: SignedDuration::from_secs(2),
                longest: minutes(5),
            },
            converge_within: minutes(15),
            adopt_within: minutes(10),
            drain: DrainRule {
                evidence: EvidenceRule::IfAvailable,
                quiet: minutes(15),
                deadline: hours(24),
                at_deadline: AtDeadline::Hold,
            },
            approvers: Vec::new(),
            tokens: Vec::new(),
            clock_skew: minutes(1),
            interruption: None,
            step_timeout: minutes(2),
            poll: SignedDuration::from_secs(5),
        }
    }

    /// The longest time for which something that was signed keeps presenting its key, with the clocks' skew.
    /// Zero where nothing is signed.
    pub fn longest_token(&self) -> SignedDuration {
        let longest = self.tokens.iter().map(|token| token.lifetime).max();
        longest.map_or(SignedDuration::ZERO, |lifetime| {
            lifetime.saturating_add(self.clock_skew)
        })
    }

    /// How long before the due date a routine rotation has to begin, as far as the policy can tell: every wait that it asks for. What
    /// depends on others is not in it: an approval, a window that is not open yet, consumers that converge slowly, errors, and uses that
    /// hold a drain.
    pub fn lead(&self) -> SignedDuration {
        match self.grace_placement {
            GracePlacement::AfterDue => SignedDuration::ZERO,
            GracePlacement::BeforeDue => [self.notice, self.soak, self.grace, self.drain.quiet, self.observation()]
                .into_iter()
                .fold(SignedDuration::ZERO, SignedDuration::saturating_add),
        }
    }

    /// How long the old version stays suspended: the policy's own time, or what is missing to the retention.
    pub fn observation(&self) -> SignedDuration {
        let used = self.grace.saturating_add(self.soak);
        self.observe.max(self.retention.saturating_sub(used))
    }
}

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a length of time; write `90 s`, `15 min`, `48 h`, `7 days` or `2 weeks`")]
pub struct InvalidLength {
    given: String,
}

/// Reads an exact length of time such as `15 min`, `48 h` or `7 days`. A day is 24 hours; months have no exact length
/// and are refused.
///
/// # Errors
/// [`InvalidLength`] where the text is no length, negative, or in calendar units.
pub fn parse_length(text: &str) -> Result<SignedDuration, InvalidLength> {
    let invalid = || InvalidLength {
        given: text.chars().take(80).collect(),
    };
    let span: Span = text.trim().parse().map_err(|_| invalid())?;
    if span.is_negative() || span.get_months() != 0 || span.get_years() != 0 {
        return Err(invalid());
    }
    let relative = SpanRelativeTo::days_are_24_hours();
    let seconds = span.total((Unit::Second, relative)).map_err(|_| invalid())?;
    SignedDuration::try_from_secs_f64(seconds).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90 s", 90),
            ("15 min", 900),
            ("48h", 172_800),
            ("7 days", 604_800),
            ("2 weeks", 1_209_600),
            ("PT1H", 3600),
        ] {
            assert_eq!(parse_length(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "7", "seven days", "-5 min", "1 month", "5 parsecs"] {
            assert!(parse_length(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Policy::new(Period::months(3)).retry;
        let pauses = [1, 2, 3, 8, 40].map(|attempt| retry.pause(attempt).as_secs());
        assert_eq!(pauses, [2, 4, 8, 256, 300]);
    }

    #[test]
    fn with_grace_before_the_due_date_a_rotation_begins_early_enough_to_end_on_it() {
        let mut policy = Policy::new(Period::months(3));
        assert_eq!(policy.lead(), SignedDuration::ZERO);
        policy.grace_placement = GracePlacement::BeforeDue;
        let hours = SignedDuration::from_hours;
        policy.soak = hours(1);
        policy.grace = hours(24);
        policy.observe = hours(2);
        policy.retention = hours(48);
        // 48 hours of retention, of which soak and grace have used 25 when the old version is suspended.
        assert_eq!(policy.observation(), hours(23));
        policy.notice = hours(24);
        policy.drain.quiet = hours(3);
        assert_eq!(policy.lead(), hours(24 + 48 + 3));
    }

    #[test]
    fn years_and_months_have_no_exact_length() {
        assert!(parse_length("1 year").is_err());
        assert!(parse_length("1 month 2 h").is_err());
    }

    #[test]
    fn the_old_version_is_observed_until_its_retention_is_over() {
        let mut policy = Policy::new(Period::months(3));
        policy.grace = SignedDuration::from_hours(24);
        policy.soak = SignedDuration::ZERO;
        assert_eq!(policy.observation(), SignedDuration::from_hours(24));
    }
}
