//! Entries as they are stored: JSON with a version number in front, so that later versions read what this one wrote.

use serde::{Deserialize, Serialize};

use super::Entry;

/// The version of the records that this build writes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Outgoing<'a> {
    v: u32,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
struct Head {
    v: u32,
}

/// A stored entry that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer build wrote it.
    #[error(
        "the journal holds a record of version {0}, which is newer than this build of Keywheel reads (up to {VERSION}); install the newer build"
    )]
    Newer(u32),
    /// It is damaged, or its plan is one that this build refuses.
    #[error("the journal holds a record that cannot be read")]
    Damaged(#[source] serde_json::Error),
}

/// The stored form of an entry.
pub fn encode(entry: &Entry) -> String {
    let outgoing = Outgoing { v: VERSION, entry };
    serde_json::to_string(&outgoing).expect("an entry has string keys only and no value that JSON cannot hold")
}

/// Reads a stored entry; the plan in it is checked again.
///
/// # Errors
/// [`RecordError`] where a newer build wrote it, or it is damaged.
pub fn decode(text: &str) -> Result<Entry, RecordError> {
    let head: Head = serde_json::from_str(text).map_err(RecordError::Damaged)?;
    if head.v > VERSION {
        return Err(RecordError::Newer(head.v));
    }
    let incoming: Incoming = serde_json::from_str(text).map_err(RecordError::Damaged)?;
    Ok(incoming.entry)
}

#[cfg(test)]
mod tests;
