//! The demonstration in words: its progress on standard error, its end as a table.

use std::collections::BTreeMap;

use keywheel_domain::rotation::Rotation;

use super::story::{KeyStory, Story};
use crate::output;

/// Tells what happens, to people.
pub(super) struct Narrator {
    quiet: bool,
}

impl Narrator {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            output::note(text);
        }
    }

    pub(super) fn step(&self, rotation: &Rotation, seconds: f64) {
        let direction = if rotation.position().unwinding { "back: " } else { "" };
        match rotation.action() {
            Some(action) => self.say(&format!("{seconds:6.1} s  {direction}{action}")),
            None => self.say(&format!("{seconds:6.1} s  at rest")),
        }
    }

    pub(super) fn killed(&self) {
        self.say("          kill -9: the driver is gone; another one goes on");
    }
}

/// The end, for people.
pub(crate) fn table(story: &Story) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["key", "kid", "tokens signed", "tokens verified", "accepted", "signs"]);
    for key in &story.keys {
        table.add_row([
            format!("version {}", key.version),
            key.kid.chars().take(12).collect(),
            key.signed.to_string(),
            key.verified.to_string(),
            span(key.accepted_from, key.accepted_until),
            span(key.signs_from, key.signs_until),
        ]);
    }
    let mut lines = vec![String::new(), table.to_string()];
    let killed = if story.kills > 0 {
        format!(", its driver killed {} times", story.kills)
    } else {
        String::new()
    };
    let outcome = story.outcome.map_or_else(
        || "unfinished".to_owned(),
        |outcome| format!("{outcome:?}").to_lowercase(),
    );
    lines.push(format!("rotation: {outcome} in {:.0} s{killed}", story.seconds));
    lines.push(format!(
        "tokens refused: {} among {} verifications",
        story.refused, story.verified
    ));
    for (answer, count) in counted(&story.stolen_key) {
        let of = story.stolen_key.len();
        lines.push(format!(
            "a token signed now with a stolen copy of the old key: {answer} (said by {count} of {of} instances)"
        ));
    }
    if let Some(audit) = &story.audit {
        let downtime = audit
            .downtime_seconds
            .map_or("not measured".to_owned(), |seconds| format!("{seconds} s"));
        lines.push(format!(
            "audit: {} by {}, reason {:?}, success {}, downtime {downtime} by {} canary logins",
            audit.credential,
            audit.performed_by,
            audit.reason,
            audit.success.unwrap_or_default(),
            audit.canary_samples
        ));
    }
    lines.join("\n")
}

fn counted(answers: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.as_str()).or_default() += 1;
    }
    counts
}

fn span(from: Option<f64>, until: Option<f64>) -> String {
    let moment = |at: Option<f64>, open: &str| at.map_or(open.to_owned(), |at| format!("{at:.1} s"));
    format!("{} to {}", moment(from, "before"), moment(until, "now"))
}

/// Whether the demonstration showed what it promises.
pub(crate) fn holds(story: &Story) -> bool {
    let dead = story.stolen_key.iter().all(|answer| answer != "ACCEPTED");
    let used = |key: &KeyStory| key.verified > 0;
    story.refused == 0 && dead && story.keys.iter().all(used)
}
