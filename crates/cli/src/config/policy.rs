//! The policy as it is written, and how it becomes the domain's.

use keywheel_domain::policy::{AtDeadline, EvidenceRule, GracePlacement, Policy, TokenLifetime};
use serde::Deserialize;

use super::values::{Every, Length, Opening, SomeTime, Zone};

/// Everything but `period` has a default: that of [`Policy::new`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyConfig {
    period: Every,
    time_zone: Option<Zone>,
    grace: Option<Length>,
    grace_placement: Option<GracePlacement>,
    retention: Option<Length>,
    soak: Option<Length>,
    observe: Option<Length>,
    tolerance: Option<Length>,
    notice: Option<Length>,
    windows: Option<Vec<Opening>>,
    retry: Option<RetryConfig>,
    converge_within: Option<Length>,
    adopt_within: Option<Length>,
    drain: Option<DrainConfig>,
    approvers: Option<Vec<String>>,
    tokens: Option<Vec<TokenConfig>>,
    clock_skew: Option<Length>,
    interruption: Option<String>,
    step_timeout: Option<SomeTime>,
    poll: Option<SomeTime>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryConfig {
    attempts: Option<std::num::NonZeroU32>,
    first: Option<Length>,
    longest: Option<Length>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrainConfig {
    evidence: Option<EvidenceRule>,
    quiet: Option<Length>,
    deadline: Option<Length>,
    at_deadline: Option<AtDeadline>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenConfig {
    name: String,
    lifetime: SomeTime,
}

/// Writes a value over its default, where one is given.
fn set<T, U>(field: &mut T, given: Option<U>, into: impl Fn(U) -> T) {
    if let Some(given) = given {
        *field = into(given);
    }
}

impl From<PolicyConfig> for Policy {
    fn from(config: PolicyConfig) -> Self {
        let mut policy = Self::new(config.period.0);
        let length = |given: Length| given.0;
        set(&mut policy.time_zone, config.time_zone, |zone| zone.0);
        set(&mut policy.grace, config.grace, length);
        set(&mut policy.grace_placement, config.grace_placement, |placement| {
            placement
        });
        set(&mut policy.retention, config.retention, length);
        set(&mut policy.soak, config.soak, length);
        set(&mut policy.observe, config.observe, length);
        set(&mut policy.tolerance, config.tolerance, length);
        set(&mut policy.notice, config.notice, length);
        set(&mut policy.windows, config.windows, |windows| {
            windows.into_iter().map(|window| window.0).collect()
        });
        set(&mut policy.converge_within, config.converge_within, length);
        set(&mut policy.adopt_within, config.adopt_within, length);
        set(&mut policy.approvers, config.approvers, |approvers| approvers);
        set(&mut policy.tokens, config.tokens, |tokens| {
            tokens.into_iter().map(Into::into).collect()
        });
        set(&mut policy.clock_skew, config.clock_skew, length);
        set(&mut policy.step_timeout, config.step_timeout, |time| time.0);
        set(&mut policy.poll, config.poll, |time| time.0);
        policy.interruption = config.interruption;
        if let Some(retry) = config.retry {
            set(&mut policy.retry.attempts, retry.attempts, std::num::NonZeroU32::get);
            set(&mut policy.retry.first, retry.first, length);
            set(&mut policy.retry.longest, retry.longest, length);
        }
        if let Some(drain) = config.drain {
            set(&mut policy.drain.evidence, drain.evidence, |rule| rule);
            set(&mut policy.drain.quiet, drain.quiet, length);
            set(&mut policy.drain.deadline, drain.deadline, length);
            set(&mut policy.drain.at_deadline, drain.at_deadline, |rule| rule);
        }
        policy
    }
}

impl From<TokenConfig> for TokenLifetime {
    fn from(config: TokenConfig) -> Self {
        Self {
            name: config.name,
            lifetime: config.lifetime.0,
        }
    }
}
