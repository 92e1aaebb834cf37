//! A rotation as it runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use keywheel_app::{Observer, Progress};
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::{DriverId, RotationId};
use keywheel_domain::ports::{Clock, Verdict};
use keywheel_domain::rotation::{Observed, Phase, Rotation};
use serde_json::{Value, json};

use super::time;
use crate::output::{self, Live, Style};

/// Shows people each step, and what is waited for.
#[derive(Debug)]
pub(crate) struct People {
    live: Live,
    clock: Arc<dyn Clock>,
    /// The waits that were told: they say so again every few seconds.
    waits: Mutex<HashSet<String>>,
}

impl People {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            live: Live::new(),
            clock,
            waits: Mutex::default(),
        }
    }

    /// Takes the line that changes away, before anything else is shown.
    pub(crate) fn end(&self) {
        self.live.end();
    }

    fn keep(&self, mark: &str, text: &str) {
        self.live
            .keep(&format!("{} {mark} {text}", time::clock(self.clock.now())));
    }

    fn is_new(&self, wait: String) -> bool {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).insert(wait)
    }

    fn done(&self, place: &str, step: &str, evidence: &[Evidence]) {
        self.keep(&Style::Good.paint("done "), &format!("{place} {step}"));
        for fact in evidence.iter().filter(|fact| fact.is_proof()) {
            self.keep(
                "     ",
                &Style::Dim.paint(&format!("      {}: {}", fact.subject, fact.detail)),
            );
        }
    }

    fn waiting(&self, rotation: &Rotation, place: &str, until: jiff::Timestamp, why: &str) {
        let step = rotation.action().map(ToString::to_string).unwrap_or_default();
        let left = time::length(self.clock.now().duration_until(until));
        let text = format!("{place} {step}: {}", waits(why));
        self.live
            .set(&format!("{text} ({left} left, Ctrl-C to leave it to `resume`)"));
        let told = matches!(rotation.phase(), Phase::Failed { .. });
        // A failure said already when it is tried again.
        if !told && self.is_new(wait(rotation, rotation.watched().map(|watched| &watched.verdict))) {
            self.keep("waits", &format!("{text}, until {} or later", time::moment(until)));
        }
    }

    /// Another driver is at the step. Whoever waits for it says so once for each step.
    fn elsewhere(&self, rotation: &Rotation, place: &str, holder: &DriverId, until: jiff::Timestamp) {
        let step = rotation.action().map(ToString::to_string).unwrap_or_default();
        self.live.set(&format!(
            "{place} {step}: {holder} drives it (Ctrl-C leaves it alone with it)"
        ));
        if self.is_new(format!("{:?} {holder}", rotation.position())) {
            let until = time::moment(until);
            self.keep(
                "waits",
                &format!("{place} {step}: for {holder}, who drives it until {until} or longer"),
            );
        }
    }

    /// A verdict that holds the rotation says what it waits for.
    fn observed(&self, rotation: &Rotation, place: &str, step: &str, verdict: &Verdict) {
        let (mark, why) = match verdict {
            Verdict::Healthy => return,
            Verdict::Unhealthy(why) => (Style::Bad.paint("ill  "), why),
            Verdict::Unknown(why) => (Style::Warn.paint("looks"), why),
        };
        self.is_new(wait(rotation, Some(&verdict.into())));
        self.keep(&mark, &format!("{place} {step}: {why}"));
    }
}

/// What is waited for: a thing, or to do something.
pub(super) fn waits(why: &str) -> String {
    let doing = why.starts_with("to ");
    if doing {
        format!("waits {why}")
    } else {
        format!("waits for {why}")
    }
}

/// What makes a wait the same wait: its step, and what was seen. Its words and its end change all the time.
fn wait(rotation: &Rotation, verdict: Option<&Observed>) -> String {
    let seen = match verdict {
        None => "nothing",
        Some(Observed::Healthy) => "healthy",
        Some(Observed::Unhealthy(_)) => "unhealthy",
        Some(Observed::Unknown(_)) => "unknown",
    };
    format!("{:?} {seen}", rotation.position())
}

impl Observer for People {
    fn notice(&self, rotation: &Rotation, progress: &Progress<'_>) {
        let place = place(rotation);
        match progress {
            Progress::Began { action, attempt: 1 } => self.live.set(&format!("{place} {action}")),
            Progress::Began { action, attempt } => self.live.set(&format!("{place} {action} (attempt {attempt})")),
            Progress::Done { action, evidence } => self.done(&place, &action.to_string(), evidence),
            Progress::Failed {
                action,
                message,
                retry_at,
            } => {
                let left = |at: &jiff::Timestamp| time::length(self.clock.now().duration_until(*at));
                let again = retry_at.as_ref().map(|at| format!("; tried again in {}", left(at)));
                let text = format!("{place} {action}: {message}{}", again.unwrap_or_default());
                self.keep(&Style::Bad.paint("fails"), &text);
            }
            Progress::Observed { action, verdict } => self.observed(rotation, &place, &action.to_string(), verdict),
            Progress::Waiting { until, why } => self.waiting(rotation, &place, *until, why),
            Progress::Elsewhere { holder, until } => self.elsewhere(rotation, &place, holder, *until),
            Progress::Unwinding { reason } => self.keep(&Style::Bad.paint("back "), reason),
            Progress::Rested { .. } => self.live.end(),
        }
    }
}

/// Which step of how many, on the way there or back.
fn place(rotation: &Rotation) -> String {
    let position = rotation.position();
    let way = if position.unwinding { "back " } else { "" };
    let count = rotation.script().len();
    format!("{way}{:>2}/{count}", (position.index + 1).min(count))
}

/// Prints one JSON object for each event.
#[derive(Debug)]
pub(crate) struct Programs {
    clock: Arc<dyn Clock>,
    /// A wait of a rotation says so again every few seconds; only what changed is an event.
    last_waits: Mutex<BTreeMap<RotationId, String>>,
}

impl Programs {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last_waits: Mutex::default(),
        }
    }

    /// Whether it is another wait than the last one, or no wait at all.
    fn is_new(&self, rotation: &Rotation, progress: &Progress<'_>) -> bool {
        let wait = match progress {
            Progress::Waiting { until, why } => format!("{:?} {until} {why}", rotation.position()),
            Progress::Elsewhere { holder, .. } => format!("{:?} {holder}", rotation.position()),
            _ => return true,
        };
        let mut last = self.last_waits.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(rotation.id().clone(), wait.clone()).as_ref() != Some(&wait)
    }

    /// It is over: nothing of it has to be remembered any more.
    fn forget(&self, rotation: &Rotation) {
        let mut last = self.last_waits.lock().unwrap_or_else(PoisonError::into_inner);
        last.remove(rotation.id());
    }
}

impl Observer for Programs {
    fn notice(&self, rotation: &Rotation, progress: &Progress<'_>) {
        let Some((name, details)) = event(progress) else {
            return self.forget(rotation);
        };
        if !self.is_new(rotation, progress) {
            return;
        }
        let mut value = json!({
            "event": name,
            "at": self.clock.now(),
            "credential": rotation.credential(),
            "rotation": rotation.id(),
            "step": rotation.action().map(|step| step.name()),
            "text": rotation.action().map(ToString::to_string),
            "number": rotation.position().index + 1,
            "of": rotation.script().len(),
            "unwinding": rotation.position().unwinding,
        });
        if let (Some(value), Value::Object(details)) = (value.as_object_mut(), details) {
            value.extend(details);
        }
        output::json(&value);
    }
}

/// The name of an event and what is special about it. That it rests is said by the result.
fn event(progress: &Progress<'_>) -> Option<(&'static str, Value)> {
    Some(match progress {
        Progress::Began { attempt, .. } => ("began", json!({ "attempt": attempt })),
        Progress::Done { evidence, .. } => ("done", json!({ "evidence": evidence })),
        Progress::Failed { message, retry_at, .. } => ("failed", json!({ "message": message, "retry_at": retry_at })),
        Progress::Observed { verdict, .. } => {
            let (verdict, why) = match verdict {
                Verdict::Healthy => ("healthy", None),
                Verdict::Unhealthy(why) => ("unhealthy", Some(why)),
                Verdict::Unknown(why) => ("unknown", Some(why)),
            };
            ("observed", json!({ "verdict": verdict, "why": why }))
        }
        Progress::Waiting { until, why } => ("waiting", json!({ "until": until, "why": why })),
        Progress::Elsewhere { holder, until } => ("elsewhere", json!({ "holder": holder, "until": until })),
        Progress::Unwinding { reason } => ("unwinding", json!({ "reason": reason })),
        Progress::Rested { .. } => return None,
    })
}
