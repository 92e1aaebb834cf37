//! What the demonstration tells at its end, and where each number comes from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywheel_domain::audit::AuditEvent;
use keywheel_domain::credential::Credential;
use keywheel_domain::id::VersionNumber;
use keywheel_domain::plan::Action;
use keywheel_domain::rotation::{Entry, Event, Outcome, Rotation};
use serde::Serialize;

/// The end of a demonstration. Its JSON form is the last line of `keywheel demo --json`.
#[derive(Debug, Serialize)]
pub(crate) struct Story {
    pub(crate) verified: u64,
    pub(crate) refused: u64,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) signed: u64,
    /// How often the driver was killed.
    pub(crate) kills: u32,
    pub(crate) seconds: f64,
    pub(crate) keys: Vec<KeyStory>,
    /// What every instance said to a token that was signed at the end with a copy of the old key.
    pub(crate) stolen_key: Vec<String>,
    pub(crate) audit: Option<AuditEvent>,
}

/// One key's life.
#[derive(Debug, Serialize)]
pub(crate) struct KeyStory {
    pub(crate) version: VersionNumber,
    pub(crate) kid: String,
    pub(crate) signed: u64,
    pub(crate) verified: u64,
    /// Seconds since the rotation began, for each moment that the journal knows.
    pub(crate) accepted_from: Option<f64>,
    pub(crate) signs_from: Option<f64>,
    pub(crate) signs_until: Option<f64>,
    pub(crate) accepted_until: Option<f64>,
}

/// The keys' lives, by the journal, with what the instances counted.
pub(super) fn keys(credential: &Credential, entries: &[Entry], counts: &BTreeMap<String, (u64, u64)>) -> Vec<KeyStory> {
    let converged = convergences(entries);
    let began = entries.first().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
    let since = |at: Timestamp| began.duration_until(at).as_secs_f64();
    let first = |holds: &dyn Fn(&Converged) -> bool| converged.iter().find(|c| holds(c)).map(|c| since(c.at));
    credential
        .versions
        .iter()
        .map(|version| {
            let number = version.number;
            let kid = version.attributes.get("kid").cloned().unwrap_or_default();
            let (signed, verified) = counts.get(&kid).copied().unwrap_or_default();
            let adopted = number == VersionNumber(1);
            KeyStory {
                version: number,
                signed,
                verified,
                accepted_from: first(&|c| !adopted && c.accepted.contains(&number)),
                signs_from: first(&|c| !adopted && c.primary == number),
                signs_until: first(&|c| adopted && c.primary != number),
                accepted_until: first(&|c| adopted && !c.accepted.contains(&number)),
                kid,
            }
        })
        .collect()
}

struct Converged {
    at: Timestamp,
    primary: VersionNumber,
    accepted: Vec<VersionNumber>,
}

/// Every view that all instances were seen to run, and when.
fn convergences(entries: &[Entry]) -> Vec<Converged> {
    let mut entries = entries.iter();
    let Some(mut rotation) = entries.next().and_then(|first| Rotation::open(first).ok()) else {
        return Vec::new();
    };
    let mut converged = Vec::new();
    for entry in entries {
        if let (Event::Done { .. }, Some(Action::Converge { view })) = (&entry.event, rotation.action()) {
            let accepted = view.accepted.iter().copied().collect();
            converged.push(Converged {
                at: entry.at,
                primary: view.primary,
                accepted,
            });
        }
        match rotation.apply(entry) {
            Ok(next) => rotation = next,
            Err(_) => break,
        }
    }
    converged
}
