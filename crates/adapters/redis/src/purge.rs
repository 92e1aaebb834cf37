//! Deleting sessions in an emergency: every key under one prefix, and no other.
//!
//! It stands in for `FLUSHDB`, which takes queues, caches and locks along. Keys are found by SCAN and deleted by UNLINK, in batches
//! that never hold the server up, up to a number that the caller names.

use std::sync::Arc;

use fred::types::Value;
use futures_util::future::join_all;
use keywheel_domain::ports::{Clock, ErrorKind, PortError, SecretSource};

use crate::ask::{Ask, expect_list, expect_text};
use crate::config::{Mode, RedisConfig};
use crate::connection::Connection;
use crate::error::Failure;
use crate::fleet::Fleets;
use crate::node::Node;

/// The most keys in one batch.
const LARGEST_BATCH: u32 = 10_000;

/// What is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeRequest {
    /// What the keys begin with, byte for byte: `session:`. Nothing in it is a pattern.
    pub prefix: String,
    /// The database that they are in.
    pub database: u32,
    /// No more keys than this are deleted.
    pub at_most: u64,
    /// How many keys are looked at, and deleted, at a time.
    pub batch: u32,
    /// Counts the keys, up to `at_most`, and deletes none.
    pub only_count: bool,
}

/// How far a purge is, and what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Keys under the prefix that were found.
    pub found: u64,
    /// Keys that were deleted. Others went by themselves meanwhile.
    pub deleted: u64,
    /// Masters that were gone through to the end.
    pub masters: u32,
    /// Whether every master was gone through. Where not, `at_most` was reached.
    pub complete: bool,
}

impl PurgeRequest {
    /// Up to a million keys of database 0 under `prefix`, five hundred at a time.
    pub fn under(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            database: 0,
            at_most: 1_000_000,
            batch: 500,
            only_count: false,
        }
    }

    /// Refuses what would delete more than anybody can mean.
    ///
    /// # Errors
    /// `Invalid`, with what to write instead.
    pub fn check(&self) -> Result<(), PortError> {
        let invalid = |message: &str| Err(PortError::permanent(ErrorKind::Invalid, message));
        if self.prefix.trim().is_empty() {
            return invalid(
                "the prefix is empty, so every key would be deleted; name what the keys of sessions begin with",
            );
        }
        if self.prefix.contains('*') {
            return invalid(
                "the prefix has a `*` in it, and is no pattern; leave it out: keys that begin with the prefix are meant",
            );
        }
        if self.at_most == 0 || self.batch == 0 || self.batch > LARGEST_BATCH {
            return invalid("the limits make no sense; allow at least one key, and batches of 1 to 10000");
        }
        Ok(())
    }
}

impl Purged {
    /// What counts against `at_most`: a key that went by itself was not deleted.
    fn counts(&self, request: &PurgeRequest) -> u64 {
        if request.only_count { self.found } else { self.deleted }
    }
}

/// Deletes the keys on every master that `config` reaches, and tells `progress` after each batch. It may be repeated; keys that
/// appear meanwhile may stay, so end what makes them first.
///
/// # Errors
/// `Invalid` for a request or a configuration that cannot be meant; the server's errors, some keys being deleted by then.
pub async fn purge_sessions(
    config: &RedisConfig,
    password: Option<Arc<dyn SecretSource>>,
    clock: &Arc<dyn Clock>,
    request: &PurgeRequest,
    progress: &mut (dyn FnMut(&Purged) + Send),
) -> Result<Purged, PortError> {
    request.check()?;
    config
        .check()
        .map_err(|error| PortError::permanent(ErrorKind::Invalid, error.to_string()))?;
    if config.mode == Mode::Cluster && request.database != 0 {
        return Err(PortError::permanent(
            ErrorKind::Invalid,
            "a cluster has the database 0 alone; leave the other one out",
        ));
    }
    let fleets = Fleets::default();
    let fleet = fleets.of(config, password, clock);
    let topology = fleet.topology().await?;
    let mut purged = Purged::default();
    for node in &topology.masters {
        let gone_through = purge(node, config.mode, request, &mut purged, progress).await;
        if !gone_through.map_err(|failure| failure.port("delete keys", &node.address))? {
            return Ok(purged);
        }
        purged.masters += 1;
    }
    purged.complete = true;
    Ok(purged)
}

/// `true` where the node was gone through to the end.
async fn purge(
    node: &Node,
    mode: Mode,
    request: &PurgeRequest,
    purged: &mut Purged,
    progress: &mut (dyn FnMut(&Purged) + Send),
) -> Result<bool, Failure> {
    let connection = node.take_spare().await?;
    if request.database != 0 {
        connection
            .call(Ask::new("SELECT").word(&request.database.to_string()))
            .await?;
    }
    let pattern = format!("{}*", escaped(&request.prefix));
    let mut cursor = "0".to_owned();
    loop {
        let scan = Ask::new("SCAN").word(&cursor).word("MATCH").word(&pattern);
        let answer = connection
            .call(scan.word("COUNT").word(&request.batch.to_string()))
            .await?;
        let (next, mut keys) = scanned(answer, request.prefix.as_bytes())?;
        let left = request.at_most - purged.counts(request);
        let cut = keys.len() as u64 > left;
        keys.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        purged.found += keys.len() as u64;
        if !request.only_count {
            purged.deleted += unlink(&connection, mode, &keys).await?;
        }
        progress(purged);
        if cut || (purged.counts(request) == request.at_most && next != "0") {
            return Ok(false);
        }
        if next == "0" {
            return Ok(true);
        }
        cursor = next;
    }
}

/// The next cursor, and the keys that begin with the prefix, whatever the server took the pattern for.
fn scanned(answer: Value, prefix: &[u8]) -> Result<(String, Vec<Vec<u8>>), Failure> {
    const WHAT: &str = "SCAN";
    let mut parts = expect_list(answer, WHAT)?.into_iter();
    let (Some(cursor), Some(keys)) = (parts.next(), parts.next()) else {
        return Err(Failure::Garbled(WHAT));
    };
    let bytes = |key: Value| match key {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        _ => None,
    };
    let keys = expect_list(keys, WHAT)?.into_iter().filter_map(bytes);
    let keys = keys.filter(|key| key.starts_with(prefix)).collect();
    Ok((expect_text(&cursor, WHAT)?, keys))
}

/// How many of them were there. In a cluster each key is deleted by a command of its own, because two of them may belong to two slots.
async fn unlink(connection: &Connection, mode: Mode, keys: &[Vec<u8>]) -> Result<u64, Failure> {
    let size = match mode {
        Mode::Cluster => 1,
        Mode::Standalone | Mode::Sentinel => keys.len().max(1),
    };
    let ask = |keys: &[Vec<u8>]| keys.iter().fold(Ask::new("UNLINK"), |ask, key| ask.bytes(key));
    let mut deleted = 0;
    for answer in join_all(keys.chunks(size).map(|keys| connection.call(ask(keys)))).await {
        let count = answer?.as_u64();
        deleted += count.ok_or(Failure::Garbled("UNLINK"))?;
    }
    Ok(deleted)
}

/// The prefix as a pattern that matches it alone.
fn escaped(prefix: &str) -> String {
    let special = |c: char| "*?[]^\\".contains(c);
    prefix
        .chars()
        .flat_map(|c| special(c).then_some('\\').into_iter().chain([c]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_means_everything_is_refused() {
        for bad in ["", "  ", "*", "session:*"] {
            assert!(PurgeRequest::under(bad).check().is_err(), "{bad:?}");
        }
        assert!(PurgeRequest::under("session:").check().is_ok());
        for (at_most, batch) in [(0, 1), (1, 0), (1, LARGEST_BATCH + 1)] {
            let request = PurgeRequest {
                at_most,
                batch,
                ..PurgeRequest::under("session:")
            };
            assert!(request.check().is_err());
        }
    }

    #[test]
    fn nothing_in_a_prefix_is_a_pattern() {
        assert_eq!(escaped("a?[b]^\\c:"), r"a\?\[b\]\^\\c:");
    }

    #[test]
    fn a_key_that_does_not_begin_with_the_prefix_is_never_deleted() {
        let keys = ["session:1", "Session:2", "other"].map(Value::from).to_vec();
        let answer = Value::Array(vec!["17".into(), Value::Array(keys)]);
        let (cursor, keys) = scanned(answer, b"session:").unwrap();
        assert_eq!((cursor.as_str(), keys), ("17", vec![b"session:1".to_vec()]));
    }
}
