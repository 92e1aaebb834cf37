use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Options;
use super::refusal::Refusals;
use super::set::KeySet;
use crate::jwk::Kid;

/// What one application instance runs and has seen: the evidence that a delivery was adopted, that a key is in use,
/// or that nobody uses it any more. Holds public facts only. Counts begin when the instance starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which instance.
    pub instance: String,
    /// Which credential.
    pub credential: String,
    /// The delivery that is in use.
    pub revision: u64,
    /// The key that it signs with, if it signs.
    pub primary: Kid,
    /// The keys that it accepts, the primary first.
    pub accepted: Vec<Kid>,
    /// Whether it has the primary's private key.
    pub signs: bool,
    /// When this delivery was loaded, in seconds since 1970.
    pub loaded_at: u64,
    /// When this report was made, in seconds since 1970.
    pub reported_at: u64,
    /// Why the last reload failed, if it did; the delivery above is still in use then.
    pub last_error: Option<String>,
    /// Tokens signed, by key; keys that never signed are left out.
    pub signed: BTreeMap<Kid, u64>,
    /// Tokens accepted, by key, of every key that the instance ever held.
    pub verifications: BTreeMap<Kid, u64>,
    /// When a token of a key was accepted last, in seconds since 1970; keys that never were are left out.
    pub last_verified: BTreeMap<Kid, u64>,
    /// Tokens refused because their key had been removed from this instance, by key.
    pub refused_after_removal: BTreeMap<Kid, u64>,
    /// Tokens refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

pub(super) fn of(set: &KeySet, refusals: &Refusals, options: &Options, last_error: Option<String>) -> Report {
    let counted = |count: fn(&super::set::Tally) -> u64| {
        let counts = set.tallies().map(move |(kid, tally)| (kid.clone(), count(tally)));
        counts.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    Report {
        instance: options.instance.clone(),
        credential: set.credential().to_owned(),
        revision: set.revision(),
        primary: set.primary().clone(),
        accepted: set.accepted(),
        signs: set.signer.is_some(),
        loaded_at: set.loaded_at(),
        reported_at: (options.clock)(),
        last_error,
        signed: counted(|tally| tally.signed.get()),
        // A zero says "accepted, and not one token came", which is what a drain waits for.
        verifications: set
            .tallies()
            .map(|(kid, tally)| (kid.clone(), tally.verified.get()))
            .collect(),
        last_verified: counted(|tally| tally.last_verified.load(Ordering::Relaxed)),
        refused_after_removal: counted(|tally| tally.too_late.get()),
        refused: refusals.by_name(),
    }
}

impl Report {
    /// Writes it under a temporary name beside `path` and renames it.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let written = write_synced(&temporary, self).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // What failed is already an error; a leftover is only untidy.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn write_synced(path: &Path, report: &Report) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    serde_json::to_writer_pretty(&mut file, report)?;
    file.write_all(b"\n")?;
    file.sync_data()
}

/// The default clock of a ring.
#[expect(
    clippy::disallowed_methods,
    reason = "the ring is the application's edge; those who test pass a clock"
)]
pub(super) fn system_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
