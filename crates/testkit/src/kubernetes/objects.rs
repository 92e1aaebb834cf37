//! The objects that are there, their versions, and what happened to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::route::Key;

/// Something that happened to an object.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) version: u64,
    pub(super) key: Key,
    /// As it was before; null where it was not there.
    pub(super) before: Value,
    /// As it is since; null where it is gone.
    pub(super) after: Value,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Objects {
    all: BTreeMap<Key, Value>,
    version: u64,
    made: u64,
    log: Vec<Event>,
    /// Events up to this version are forgotten.
    forgotten: u64,
}

impl Objects {
    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.all.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.all.iter()
    }

    /// The version of the newest change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// A number that no other object has.
    pub(super) fn next_uid(&mut self) -> String {
        self.made += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.made)
    }

    /// Writes the object under a new version, unless it is as it was.
    pub(super) fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.all.get(&key).cloned().unwrap_or_default();
        if before == object {
            return object;
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.all.insert(key.clone(), object.clone());
        self.log(key, before, object.clone());
        object
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(before) = self.all.remove(key) {
            self.version += 1;
            self.log(key.clone(), before, Value::Null);
        }
    }

    fn log(&mut self, key: Key, before: Value, after: Value) {
        let version = self.version;
        self.log.push(Event {
            version,
            key,
            before,
            after,
        });
    }

    /// What happened after that version; `None` where that is forgotten.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Event>> {
        let known = version >= self.forgotten;
        known.then(|| self.log.iter().filter(move |event| event.version > version))
    }

    /// Forgets what happened up to now, as a server does after some minutes.
    pub(super) fn forget(&mut self) {
        self.log.clear();
        self.forgotten = self.version;
    }
}
