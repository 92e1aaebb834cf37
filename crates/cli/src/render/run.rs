//! Many rotations at once, as they run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keywheel_app::{Driven, News, Observer, Overdue, Progress, Reporter, Tally};
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::{Clock, Due, Verdict};
use keywheel_domain::rotation::Rotation;
use serde_json::{Value, json};

use super::progress::{Programs, waits};
use super::result::{self, Ended};
use super::time;
use crate::config::Config;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Shows what happens to whom. Of the steps, people see those that go wrong, and programs all.
#[derive(Debug)]
pub(crate) struct Crowd {
    clock: Arc<dyn Clock>,
    programs: Option<Programs>,
    /// What each rotation waits for: it says so again at every look.
    waits: Mutex<BTreeMap<RotationId, String>>,
}

impl Crowd {
    pub(crate) fn new(clock: Arc<dyn Clock>, json: bool) -> Self {
        Self {
            programs: json.then(|| Programs::new(Arc::clone(&clock))),
            clock,
            waits: Mutex::default(),
        }
    }

    pub(crate) fn begins(&self, config: &Config) {
        let count = config.credentials.len();
        output::note(format!("looking after {count} credentials; Ctrl-C ends it"));
    }

    fn say(&self, mark: &str, text: &str) {
        output::note(format!("{} {mark} {text}", time::clock(self.clock.now())));
    }

    fn event(&self, name: &str, details: Value) {
        let mut value = json!({ "event": name, "at": self.clock.now() });
        if let (Some(value), Value::Object(details)) = (value.as_object_mut(), details) {
            value.extend(details);
        }
        output::json(&value);
    }

    /// The numbers at the end.
    pub(crate) fn ended(&self, tally: &Tally, exit: Exit) {
        if self.programs.is_some() {
            return self.event("summary", summary_json(tally, exit));
        }
        output::line(summary(tally));
    }

    fn step(&self, rotation: &Rotation, progress: &Progress<'_>) {
        let name = rotation.credential();
        match progress {
            Progress::Failed { action, message, .. } => {
                self.say(&Style::Bad.paint("fails "), &format!("{name}: {action}: {message}"));
            }
            Progress::Observed {
                action,
                verdict: Verdict::Unhealthy(why),
            } => self.say(&Style::Bad.paint("ill   "), &format!("{name}: {action}: {why}")),
            Progress::Unwinding { reason } => self.say(&Style::Bad.paint("back  "), &format!("{name}: {reason}")),
            Progress::Rested { outcome } => {
                let ended = Ended::Driven(Driven::Rested(*outcome));
                output::line(result::text(rotation, &ended));
            }
            _ => {}
        }
    }
}

impl Observer for Crowd {
    fn notice(&self, rotation: &Rotation, progress: &Progress<'_>) {
        let Some(programs) = &self.programs else {
            return self.step(rotation, progress);
        };
        programs.notice(rotation, progress);
        if let Progress::Rested { outcome } = progress {
            let ended = Ended::Driven(Driven::Rested(*outcome));
            let exit = result::exit(&ended, false);
            output::json(&result::json(rotation, &ended, exit, self.clock.now()));
        }
    }
}

impl Reporter for Crowd {
    fn hear(&self, news: &News<'_>) {
        if !self.is_new(news) {
            return;
        }
        match (&self.programs, news) {
            (Some(_), _) => {
                if let Some((name, details)) = news_json(news) {
                    self.event(name, details);
                }
            }
            (None, News::Opened { credential, rotation }) => {
                self.say("begins", &format!("{credential}: rotation {rotation}"))
            }
            (None, News::Moved { credential, driven, .. }) => self.moved(credential, driven),
            (None, News::Failed { .. } | News::Blind { .. }) => self.failed(news),
            (None, News::Overdue(overdue)) => {
                for line in overdue_lines(overdue) {
                    self.say(&Style::Warn.paint("overdue"), &line);
                }
            }
        }
    }
}

impl Crowd {
    /// Whether it was not said before. That a rotation waits for the same thing still is no news.
    fn is_new(&self, news: &News<'_>) -> bool {
        let News::Moved { rotation, driven, .. } = news else {
            return true;
        };
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match driven {
            Driven::Waits { why, .. } => waits.insert((*rotation).clone(), why.clone()),
            Driven::Rested(_) | Driven::Asks(_) | Driven::Elsewhere { .. } => {
                waits.remove(rotation);
                return true;
            }
        };
        !matches!((before, driven), (Some(before), Driven::Waits { why, .. }) if before == *why)
    }

    fn moved(&self, credential: &CredentialName, driven: &Driven) {
        match driven {
            Driven::Waits { until, why, .. } if until.duration_since(self.clock.now()).as_secs() >= 60 => {
                let until = time::moment(*until);
                self.say(
                    "waits ",
                    &format!("{credential} {}, until {until} or later", waits(why)),
                );
            }
            Driven::Asks(_) => {
                let approve = format!("`keywheel approve {credential} --actor <name>`");
                self.say(
                    &Style::Warn.paint("asks  "),
                    &format!("{credential} waits for an approval: {approve}"),
                );
            }
            // How it ended was said by itself, and a short wait is not worth a line.
            Driven::Rested(_) | Driven::Waits { .. } | Driven::Elsewhere { .. } => {}
        }
    }

    fn failed(&self, news: &News<'_>) {
        let (what, error, again_at) = match news {
            News::Failed {
                due,
                credential,
                error,
                again_at,
            } => (name(due, *credential), error, *again_at),
            News::Blind { error, again_at } => ("what is due is not known".to_owned(), error, Some(*again_at)),
            News::Opened { .. } | News::Moved { .. } | News::Overdue(_) => return,
        };
        let again = again_at.map_or_else(String::new, |at| format!("; tried again at {}", time::moment(at)));
        self.say(&Style::Bad.paint("error "), &format!("{what}: {}{again}", chain(error)));
    }
}

fn name(due: &Due, credential: Option<&CredentialName>) -> String {
    match (due, credential) {
        (_, Some(name)) | (Due::Credential(name), None) => name.to_string(),
        (Due::Rotation(id), None) => format!("rotation {id}"),
    }
}

/// An error with its causes in one line, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

/// How each is moved is told by its steps and its result; here is what those do not say.
fn news_json(news: &News<'_>) -> Option<(&'static str, Value)> {
    Some(match news {
        News::Opened { credential, rotation } => ("opened", json!({ "credential": credential, "rotation": rotation })),
        News::Moved {
            credential,
            rotation,
            driven,
        } => match driven {
            Driven::Waits { until, why, .. } => (
                "left_waiting",
                json!({ "credential": credential, "rotation": rotation, "until": until, "why": why }),
            ),
            Driven::Asks(_) => ("asks", json!({ "credential": credential, "rotation": rotation })),
            Driven::Rested(_) | Driven::Elsewhere { .. } => return None,
        },
        News::Failed {
            due,
            credential,
            error,
            again_at,
        } => {
            let rotation = match due {
                Due::Rotation(id) => Some(id),
                Due::Credential(_) => None,
            };
            let known = match due {
                Due::Credential(name) => Some(name),
                Due::Rotation(_) => *credential,
            };
            (
                "error",
                json!({ "credential": known, "rotation": rotation, "message": chain(*error), "again_at": again_at }),
            )
        }
        News::Blind { error, again_at } => ("blind", json!({ "message": chain(*error), "again_at": again_at })),
        News::Overdue(overdue) => ("overdue", json!({ "idle": overdue.idle, "stuck": overdue.stuck })),
    })
}

fn overdue_lines(overdue: &Overdue) -> Vec<String> {
    let names = |names: &[CredentialName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut lines = Vec::new();
    if !overdue.idle.is_empty() {
        lines.push(format!(
            "{} due and not under way: {}",
            overdue.idle.len(),
            names(&overdue.idle)
        ));
    }
    if !overdue.stuck.is_empty() {
        lines.push(format!("{} stuck: {}", overdue.stuck.len(), names(&overdue.stuck)));
    }
    lines
}

/// The numbers in one sentence, and who needs somebody.
fn summary(tally: &Tally) -> String {
    let counts = [
        (tally.completed, "completed"),
        (tally.rolled_back, "rolled back"),
        (tally.stuck, "stuck"),
        (tally.asks, "waiting for an approval"),
        (tally.waits, "waiting for their time"),
        (tally.failed, "failed"),
        (tally.elsewhere, "driven by others"),
        (tally.unmanaged, "not configured here"),
    ];
    let said = counts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<_> = said.map(|(count, what)| format!("{count} {what}")).collect();
    let mut text = if said.is_empty() {
        "nothing was due".to_owned()
    } else {
        said.join(", ")
    };
    for line in overdue_lines(&tally.overdue) {
        text.push_str(&format!("\n{line}"));
    }
    text
}

fn summary_json(tally: &Tally, exit: Exit) -> Value {
    json!({
        "opened": tally.opened,
        "completed": tally.completed,
        "rolled_back": tally.rolled_back,
        "stuck": tally.stuck,
        "asks": tally.asks,
        "waits": tally.waits,
        "elsewhere": tally.elsewhere,
        "failed": tally.failed,
        "unmanaged": tally.unmanaged,
        "overdue": { "idle": tally.overdue.idle, "stuck": tally.overdue.stuck },
        "stopped": tally.stopped,
        "exit_code": exit as u8,
    })
}
