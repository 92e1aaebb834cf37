//! Which steps a credential's shape and a trigger call for. Whether they are safe is not decided here but by the check.

use jiff::SignedDuration;

use super::refusal::{PlanError, validate};
use super::{Action, Limits, MintedBy, Overlap, PlanRecord, PlanRequest, Step, Watch};
use crate::id::{Revision, VersionNumber};
use crate::plan::Declared;
use crate::policy::Policy;
use crate::trigger::{EmergencyMode, LiveTokens, Trigger};
use crate::view::View;

pub(super) fn record(request: &PlanRequest<'_>) -> Result<PlanRecord, PlanError> {
    validate(request)?;
    let recipe = Recipe::new(request);
    let steps = recipe.steps(request);
    let point_of_no_return = recipe.point_of_no_return(&steps);
    Ok(PlanRecord {
        shape: request.shape,
        old: recipe.old,
        new: recipe.new,
        view: request.view.clone(),
        steps,
        point_of_no_return,
        limits: limits(request.policy, request.trigger),
        declared: recipe.declared(request),
    })
}

fn limits(policy: &Policy, trigger: &Trigger) -> Limits {
    let routine = *trigger == Trigger::Routine;
    Limits {
        retry: policy.retry.clone(),
        tolerance: policy.tolerance,
        converge_within: policy.converge_within.max(policy.adopt_within),
        adopt_within: policy.adopt_within,
        step_timeout: policy.step_timeout,
        poll: policy.poll,
        retention: if trigger.is_emergency() {
            SignedDuration::ZERO
        } else {
            policy.retention
        },
        longest_token: policy.longest_token(),
        drain: policy.drain.clone(),
        approvers: if trigger.is_emergency() {
            Vec::new()
        } else {
            policy.approvers.clone()
        },
        windows: if routine { policy.windows.clone() } else { Vec::new() },
    }
}

struct Recipe {
    old: VersionNumber,
    new: VersionNumber,
    /// The views of the plan: what the stores show now, and each delivery after it.
    before: View,
    published: View,
    switched: View,
    removed: View,
    contain_first: bool,
    /// Both emergency modes give up notice, soak, grace, drain and observation.
    hurried: bool,
    refuse_tokens: bool,
}

impl Recipe {
    fn new(request: &PlanRequest<'_>) -> Self {
        let (old, new) = (request.view.primary, request.new);
        let revision = |ahead| Revision(request.view.revision.0 + ahead);
        let ring = request.shape.overlap == Overlap::KeyRing;
        let (contain_first, refuse_tokens) = match request.trigger {
            Trigger::Emergency { mode, live_tokens, .. } => {
                let contain_first = *mode == EmergencyMode::ContainFirst;
                (contain_first, contain_first || *live_tokens == LiveTokens::Refuse)
            }
            Trigger::Routine | Trigger::Manual { .. } => (false, false),
        };
        Self {
            old,
            new,
            before: request.view.clone(),
            published: View::new(revision(1), old, [old, new]),
            switched: match (ring, contain_first) {
                (true, false) => View::new(revision(2), new, [old, new]),
                (true, true) | (false, _) => View::new(revision(1), new, [new]),
            },
            removed: View::new(revision(3), new, [new]),
            contain_first,
            hurried: request.trigger.is_emergency(),
            refuse_tokens: ring && refuse_tokens,
        }
    }

    fn steps(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let mut steps = self.prelude(request);
        steps.extend(match request.shape.overlap {
            Overlap::TwoVersions => self.two_versions(request),
            Overlap::OneVersion => self.one_version(request),
            Overlap::KeyRing => self.key_ring(request),
        });
        steps.push(Action::ProveDead { version: self.old });
        if request.shape.archived {
            steps.push(Action::Archive { version: self.old });
        }
        steps.push(Action::Close);
        steps
    }

    fn prelude(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let mut steps = vec![Action::Preflight];
        if self.hurried {
            return steps;
        }
        if !request.policy.approvers.is_empty() {
            steps.push(Action::Approve);
        }
        // What we make ourselves waits sealed until the window opens, so that no time in it is spent on making it.
        steps.extend(self.generate(request));
        let routine = *request.trigger == Trigger::Routine;
        let notice = if routine {
            request.policy.notice
        } else {
            SignedDuration::ZERO
        };
        steps.push(Action::Announce { notice });
        steps
    }

    fn two_versions(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let can_suspend = request.shape.can_suspend;
        let suspend = Action::Suspend { version: self.old };
        let retire = Action::Retire { version: self.old };
        let mut steps = Vec::new();
        if self.contain_first {
            steps.push(if can_suspend { suspend.clone() } else { retire.clone() });
        }
        steps.extend(self.stage(request));
        steps.push(Action::Prove { version: self.new });
        steps.extend(deliver(&self.before, &self.switched));
        steps.extend(self.watched(request));
        if can_suspend && !self.hurried {
            steps.push(suspend);
            steps.push(watch(Watch::Observe, request.policy.observation()));
        }
        if can_suspend || !self.contain_first {
            steps.push(retire);
        }
        steps
    }

    fn one_version(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let replace = Action::Replace {
            from: self.old,
            to: self.new,
        };
        let mut steps = self.generate_in_a_hurry(request);
        steps.push(replace);
        steps.push(Action::Prove { version: self.new });
        steps.extend(deliver(&self.before, &self.switched));
        steps.push(self.validate(request));
        if !self.hurried {
            steps.push(watch(Watch::Grace, request.policy.grace));
        }
        steps
    }

    fn key_ring(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let prove = Action::Prove { version: self.new };
        let mut steps = self.generate_in_a_hurry(request);
        if self.contain_first {
            steps.extend(deliver(&self.before, &self.switched));
            steps.push(prove);
            steps.push(self.validate(request));
            return steps;
        }
        steps.extend(deliver(&self.before, &self.published));
        steps.push(prove);
        steps.extend(deliver(&self.published, &self.switched));
        steps.extend(self.watched(request));
        steps.extend(deliver(&self.switched, &self.removed));
        if !self.hurried {
            steps.push(watch(Watch::Observe, request.policy.observation()));
        }
        steps
    }

    fn generate(&self, request: &PlanRequest<'_>) -> Option<Step> {
        let ours = request.shape.minted_by == MintedBy::Us;
        ours.then_some(Action::Generate { version: self.new })
    }

    /// In an emergency nothing waits, and a containment comes first; everywhere else it was made in the prelude.
    fn generate_in_a_hurry(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        self.generate(request).filter(|_| self.hurried).into_iter().collect()
    }

    fn stage(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let version = self.new;
        let mut steps = self.generate_in_a_hurry(request);
        steps.push(match request.shape.minted_by {
            MintedBy::Us => Action::Stage { version },
            MintedBy::Authority => Action::Mint { version },
        });
        steps
    }

    /// From the switch to the end of the old version's use: soak, grace and drain as far as there is time for them.
    fn watched(&self, request: &PlanRequest<'_>) -> Vec<Step> {
        let mut steps = vec![self.validate(request)];
        let ring = request.shape.overlap == Overlap::KeyRing;
        let tokens = if ring {
            request.policy.longest_token()
        } else {
            SignedDuration::ZERO
        };
        if self.hurried {
            if ring && !self.refuse_tokens {
                steps.push(Action::Watch {
                    watch: Watch::Outlast,
                    length: tokens,
                    at_least: tokens,
                });
            }
            return steps;
        }
        steps.push(self.grace(request, tokens));
        steps.push(Action::Drain { version: self.old });
        steps
    }

    /// Where nothing comes after it that keeps the old version, the grace is what keeps it, and is not cut shorter than that.
    fn grace(&self, request: &PlanRequest<'_>, tokens: SignedDuration) -> Step {
        let policy = request.policy;
        let is_observed = request.shape.can_suspend || request.shape.overlap == Overlap::KeyRing;
        let (length, kept) = if is_observed {
            (policy.grace, SignedDuration::ZERO)
        } else {
            let kept = policy.retention.saturating_sub(policy.soak).max(SignedDuration::ZERO);
            (policy.grace.max(kept), kept)
        };
        Action::Watch {
            watch: Watch::Grace,
            length,
            at_least: length.min(tokens.max(kept)),
        }
    }

    fn validate(&self, request: &PlanRequest<'_>) -> Step {
        let soak = if self.hurried {
            SignedDuration::ZERO
        } else {
            request.policy.soak
        };
        watch(Watch::Validate, soak)
    }

    fn declared(&self, request: &PlanRequest<'_>) -> Option<Declared> {
        let (old, new) = (self.old, self.new);
        let declare = |reason: String, covers: &[VersionNumber]| {
            let covers = covers.iter().copied().collect();
            Some(Declared { reason, covers })
        };
        match request.trigger {
            // Verifiers that already dropped the old key and those that do not know the new one yet meet.
            Trigger::Emergency { incident, .. } if self.contain_first => {
                declare(format!("{incident}: contain first"), &[old, new])
            }
            Trigger::Emergency { incident, .. } if self.refuse_tokens => {
                declare(format!("{incident}: live tokens are refused"), &[old])
            }
            Trigger::Emergency { .. } | Trigger::Routine | Trigger::Manual { .. } => {
                let reason = request.policy.interruption.clone();
                reason
                    .filter(|_| request.shape.overlap == Overlap::OneVersion)
                    .and_then(|reason| declare(reason, &[old]))
            }
        }
    }

    /// Past the first step that ends the old version for good nothing is undone; a containment is never undone, because
    /// that would let the intruder back in.
    fn point_of_no_return(&self, steps: &[Step]) -> usize {
        let ends = |step: &Step| match step {
            Action::Retire { .. } | Action::ProveDead { .. } => true,
            Action::Suspend { .. } | Action::Deliver { .. } | Action::Replace { .. } => self.contain_first,
            _ => false,
        };
        steps.iter().position(ends).unwrap_or(steps.len())
    }
}

fn watch(watch: Watch, length: SignedDuration) -> Step {
    Action::Watch {
        watch,
        length,
        at_least: SignedDuration::ZERO,
    }
}

/// Delivering is not done when the store shows the view but when everybody runs it.
pub(super) fn deliver(from: &View, to: &View) -> [Step; 3] {
    let (from, to) = (from.clone(), to.clone());
    [
        Action::Deliver { from, to: to.clone() },
        Action::RollOut { view: to.clone() },
        Action::Converge { view: to },
    ]
}
