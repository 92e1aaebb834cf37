//! What is refused before there are steps: policies that contradict themselves, and shapes that have no order.

use jiff::SignedDuration;

use super::check::CounterExample;
use super::text::length;
use super::{MintedBy, Overlap, PlanRequest};
use crate::policy::Policy;
use crate::schedule::Period;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The safety rule would break.
    #[error("{0}")]
    Unsafe(Box<CounterExample>),
    /// Nothing says how long what the old key signed lives on.
    #[error(
        "the policy names no token lifetimes, so nothing says when the old key may go; add `tokens = [{{ name = \"access\", lifetime = \"15 min\" }}]`"
    )]
    NoTokenLifetimes,
    /// The stores still show a second version.
    #[error(
        "the stores still accept {0} versions; finish or roll back the rotation that left them so, then plan again"
    )]
    UnfinishedView(usize),
    /// An authority that holds one version cannot mint another.
    #[error("this issuer holds one version and mints it itself: there is no order in which it could be replaced")]
    CannotReplaceMinted,
    /// The calendar or the numbers of the policy make no sense.
    #[error("the policy's {field} is negative; give it a length of zero or more")]
    Negative {
        /// The field.
        field: &'static str,
    },
    /// Consumers that cannot be asked would never count as converged.
    #[error(
        "the policy's converge_within ({}) ends before adopt_within ({}), so consumers that cannot be asked could never converge; give `converge_within` {} or more",
        length(*converge), length(*adopt), length(*adopt)
    )]
    ConvergesTooEarly {
        /// How long consumers may take.
        converge: SignedDuration,
        /// How long those take that cannot be asked.
        adopt: SignedDuration,
    },
    /// It would be due again before it was rotated.
    #[error(
        "with grace_placement = \"before_due\" a rotation begins {} before its date (notice, soak, grace, drain.quiet and the time that the old version is kept), which is no less than the period of {period}: it would be due for ever; make those shorter or `period` longer, or set `grace_placement = \"after_due\"`",
        length(*lead)
    )]
    AlwaysDue {
        /// How long before the date it begins.
        lead: SignedDuration,
        /// The period.
        period: Period,
    },
}

pub(super) fn validate(request: &PlanRequest<'_>) -> Result<(), PlanError> {
    let Policy {
        grace,
        retention,
        soak,
        observe,
        tolerance,
        notice,
        ..
    } = request.policy;
    let lengths = [
        (grace, "grace"),
        (retention, "retention"),
        (soak, "soak"),
        (observe, "observe"),
        (tolerance, "tolerance"),
        (notice, "notice"),
    ];
    if let Some((_, field)) = lengths.iter().find(|(length, _)| length.is_negative()) {
        return Err(PlanError::Negative { field });
    }
    if !request.trigger.is_emergency() {
        fits_together(request.policy)?;
    }
    let shape = request.shape;
    if shape.overlap == Overlap::KeyRing && request.policy.tokens.is_empty() {
        return Err(PlanError::NoTokenLifetimes);
    }
    if shape.overlap == Overlap::OneVersion && shape.minted_by == MintedBy::Authority {
        return Err(PlanError::CannotReplaceMinted);
    }
    match request.view.accepted.len() {
        1 => Ok(()),
        count => Err(PlanError::UnfinishedView(count)),
    }
}

/// What each number may be, and all of them together may not. An emergency does not wait for somebody to correct them.
fn fits_together(policy: &Policy) -> Result<(), PlanError> {
    let (converge, adopt) = (policy.converge_within, policy.adopt_within);
    if converge < adopt {
        return Err(PlanError::ConvergesTooEarly { converge, adopt });
    }
    let (lead, period) = (policy.lead(), policy.period);
    if lead >= period.shortest() {
        return Err(PlanError::AlwaysDue { lead, period });
    }
    Ok(())
}
