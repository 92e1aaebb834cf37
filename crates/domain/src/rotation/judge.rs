//! What a look at the world means for a watched step.

use jiff::{SignedDuration, Timestamp};

use super::{Event, Observed, Rotation};
use crate::plan::{Action, Watch};
use crate::policy::AtDeadline;
use crate::ports::{Sample, Verdict};
use crate::window::next_open;

/// What a look means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The step is done.
    Pass,
    /// Look again then; and what it waits for.
    Hold {
        /// When to look again.
        until: Timestamp,
        /// The earliest moment at which the step can be done if all stays well.
        earliest: Timestamp,
        /// What it waits for, for people.
        why: String,
    },
    /// Go back, for that reason.
    Unwind(String),
    /// Stop and tell people, for that reason.
    Stick(String),
}

impl Rotation {
    /// The entry that a look is worth: where the verdict is another one than before, or the first.
    pub fn observation(&self, sample: &Sample) -> Option<Event> {
        let verdict = Observed::from(&sample.verdict);
        let known = self
            .watched
            .as_ref()
            .is_some_and(|watched| watched.verdict.same_kind(&verdict));
        (!known).then(|| Event::Observed {
            step: self.position,
            verdict,
            evidence: sample.evidence.clone(),
        })
    }

    /// What the look means at `now`. The observation of the same sample must be applied before.
    pub fn judge(&self, sample: &Sample, now: Timestamp) -> Judgement {
        match self.action() {
            Some(Action::Announce { notice }) => self.judge_announcement(*notice, sample, now),
            Some(Action::Converge { .. }) => self.judge_convergence(sample, now),
            Some(Action::Watch {
                watch,
                length,
                at_least,
            }) => {
                let length = if self.cut_short { *at_least } else { *length };
                self.judge_watch(*watch, length, sample, now)
            }
            Some(Action::Drain { .. }) => self.judge_drain(sample, now),
            _ => Judgement::Stick(
                "a step that is not watched was looked at, which is a defect: please report it".to_owned(),
            ),
        }
    }

    fn judge_announcement(&self, notice: SignedDuration, sample: &Sample, now: Timestamp) -> Judgement {
        if let Verdict::Unhealthy(why) | Verdict::Unknown(why) = &sample.verdict {
            return hold(self.look_again(now), why);
        }
        let told = self.after_step_began(notice);
        if now < told {
            return hold_until(told, told, "the notice to run out");
        }
        match next_open(&self.plan().limits().windows, now) {
            Some(open) if open > now => hold_until(open, open, "its window to open"),
            Some(_) => Judgement::Pass,
            None => {
                Judgement::Stick("none of its windows ever opens again; correct `windows` in the policy".to_owned())
            }
        }
    }

    fn judge_convergence(&self, sample: &Sample, now: Timestamp) -> Judgement {
        let why = match &sample.verdict {
            Verdict::Healthy => return Judgement::Pass,
            Verdict::Unhealthy(why) | Verdict::Unknown(why) => why,
        };
        if now < self.after_step_began(self.plan().limits().converge_within) {
            return hold(self.look_again(now), why);
        }
        self.give_up(format!("consumers did not converge in time: {why}"))
    }

    fn judge_watch(&self, watch: Watch, length: SignedDuration, sample: &Sample, now: Timestamp) -> Judgement {
        let since = self.watched.as_ref().map_or(now, |watched| watched.since);
        let over = match watch {
            // The soak has to hold without a break.
            Watch::Validate => since.max(self.step_since).saturating_add(length),
            Watch::Grace | Watch::Outlast | Watch::Observe => self.step_since.saturating_add(length),
        };
        let over = over.unwrap_or(Timestamp::MAX);
        let over = if watch == Watch::Observe {
            over.max(self.kept_until())
        } else {
            over
        };
        match &sample.verdict {
            // On the way back only the time counts: there is nowhere else to go.
            _ if self.position.unwinding && now >= over => Judgement::Pass,
            Verdict::Healthy if now >= over => Judgement::Pass,
            Verdict::Healthy => hold_until(over.min(self.look_again(now)), over, watch_name(watch)),
            Verdict::Unknown(why) => hold(self.look_again(now), &format!("health to be known: {why}")),
            Verdict::Unhealthy(why) => {
                let limit = since
                    .saturating_add(self.plan().limits().tolerance)
                    .unwrap_or(Timestamp::MAX);
                if now < limit || self.position.unwinding {
                    return hold(self.look_again(now), &format!("errors to end: {why}"));
                }
                self.give_up(format!("errors persisted since {since}: {why}"))
            }
        }
    }

    fn judge_drain(&self, sample: &Sample, now: Timestamp) -> Judgement {
        let drain = &self.plan().limits().drain;
        let why = match &sample.verdict {
            Verdict::Healthy => {
                let since = self.watched.as_ref().map_or(now, |watched| watched.since);
                let quiet = since.saturating_add(drain.quiet).unwrap_or(Timestamp::MAX);
                if now >= quiet {
                    return Judgement::Pass;
                }
                return hold_until(quiet.min(self.look_again(now)), quiet, "the old version to stay unused");
            }
            Verdict::Unhealthy(why) | Verdict::Unknown(why) => why,
        };
        if now < self.after_step_began(drain.deadline) {
            return hold(self.look_again(now), why);
        }
        match drain.at_deadline {
            AtDeadline::Hold => hold(self.look_again(now), why),
            AtDeadline::Proceed => Judgement::Pass,
            AtDeadline::Unwind => self.give_up(format!("the old version is still used: {why}")),
        }
    }

    /// Until when the old version is kept at the least, however short its grace was cut.
    fn kept_until(&self) -> Timestamp {
        let retention = self.plan().limits().retention;
        let kept = self.moved_at.map(|moved| moved.saturating_add(retention));
        kept.map_or(Timestamp::MIN, |until| until.unwrap_or(Timestamp::MAX))
    }

    fn give_up(&self, reason: String) -> Judgement {
        if self.can_unwind() {
            Judgement::Unwind(reason)
        } else {
            Judgement::Stick(reason)
        }
    }

    fn after_step_began(&self, time: SignedDuration) -> Timestamp {
        self.step_since.saturating_add(time).unwrap_or(Timestamp::MAX)
    }

    fn look_again(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.plan().limits().poll).unwrap_or(Timestamp::MAX)
    }
}

fn hold(until: Timestamp, why: &str) -> Judgement {
    hold_until(until, until, why)
}

fn hold_until(until: Timestamp, earliest: Timestamp, why: &str) -> Judgement {
    let why = why.to_owned();
    Judgement::Hold { until, earliest, why }
}

fn watch_name(watch: Watch) -> &'static str {
    match watch {
        Watch::Validate => "health to hold",
        Watch::Grace => "the grace period",
        Watch::Outlast => "live tokens to expire",
        Watch::Observe => "damage to show",
    }
}
