//! A stream of what happens to objects, and where it ends.

use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;

use crate::api::Call;
use crate::cluster::Cluster;
use crate::error::Failure;

/// How long a server is asked to keep a watch.
const LENGTH: u32 = 290;
/// No object is longer.
const LONGEST: usize = 8 * 1024 * 1024;

/// One watch of a collection.
#[derive(Debug)]
pub(crate) struct Watch {
    body: Body,
    read: Vec<u8>,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// It is like this now.
    Is(Value),
    /// It was like this, and is gone.
    Gone(Value),
}

impl Watch {
    /// Watches a collection from the version of a list on. `collection` may hold parameters.
    pub(crate) async fn start(cluster: &Cluster, collection: &str, version: &str) -> Result<Self, Failure> {
        let joint = if collection.contains('?') { '&' } else { '?' };
        let path = format!("{collection}{joint}watch=true&resourceVersion={version}&timeoutSeconds={LENGTH}");
        let body = cluster.open(&Call::get(path)).await?;
        Ok(Self { body, read: Vec::new() })
    }

    /// The next event; `None` where the watch is over, and whoever watches has to list again: it ended, it was cut, or its
    /// version is too old.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                let mut event: Value = serde_json::from_slice(&line).ok()?;
                let object = event["object"].take();
                match event["type"].as_str()? {
                    "ADDED" | "MODIFIED" => return Some(Event::Is(object)),
                    "DELETED" => return Some(Event::Gone(object)),
                    "BOOKMARK" => {}
                    _ => return None,
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.read.extend_from_slice(data);
            }
            if self.read.len() > LONGEST {
                return None;
            }
        }
    }
}
