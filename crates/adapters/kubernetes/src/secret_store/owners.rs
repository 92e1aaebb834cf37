//! Who owns which key of a Secret, as the API keeps it in `managedFields`.

use std::collections::BTreeSet;

use serde_json::Value;

/// The name under which Keywheel applies.
pub(super) const MANAGER: &str = "keywheel";

/// A key and who else owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) key: String,
    pub(super) manager: String,
}

/// The owners of one object's keys.
#[derive(Debug)]
pub(super) struct Owners<'a>(&'a Value);

impl<'a> Owners<'a> {
    pub(super) fn of(metadata: &'a Value) -> Self {
        Self(&metadata["managedFields"])
    }

    /// Those of the keys that Keywheel applied once and that are not its own any more: each with who has it now, where
    /// somebody has.
    pub(super) fn lost(&self, keys: &BTreeSet<String>) -> Vec<Foreign> {
        let ours: BTreeSet<&str> = self
            .entries()
            .filter(|entry| is_ours(entry))
            .flat_map(keys_of)
            .collect();
        let lost = keys.iter().filter(|key| !ours.contains(key.as_str()));
        lost.map(|key| Foreign {
            key: key.clone(),
            manager: self.others(key).next().unwrap_or("somebody who removed it").to_owned(),
        })
        .collect()
    }

    /// Those of the keys that somebody else owns.
    pub(super) fn foreign<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Vec<Foreign> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.others(key).map(|manager| Foreign {
                key: key.to_owned(),
                manager: manager.to_owned(),
            }));
        }
        found
    }

    fn others(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let entries = self.entries().filter(|entry| !is_ours(entry));
        entries
            .filter(move |entry| keys_of(entry).any(|owned| owned == key))
            .map(|entry| entry["manager"].as_str().unwrap_or("somebody unnamed"))
    }

    fn entries(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.as_array().into_iter().flatten()
    }
}

fn is_ours(entry: &Value) -> bool {
    entry["manager"] == MANAGER && entry["operation"] == "Apply"
}

/// The keys of `data` that an entry owns.
fn keys_of(entry: &Value) -> impl Iterator<Item = &str> {
    let data = entry["fieldsV1"]["f:data"].as_object();
    data.into_iter()
        .flatten()
        .filter_map(|(name, _)| name.strip_prefix("f:"))
}

/// Keys and owners for people.
pub(super) fn story(foreign: &[Foreign]) -> String {
    let each = foreign
        .iter()
        .map(|one| format!("the key `{}` belongs to `{}`", one.key, one.manager));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata() -> Value {
        json!({"managedFields": [
            {"manager": "keywheel", "operation": "Apply", "fieldsV1": {"f:data": {".": {}, "f:password": {}}}},
            {"manager": "helm", "operation": "Update", "fieldsV1": {"f:data": {"f:url": {}}, "f:type": {}}},
            {"manager": "keywheel", "operation": "Update", "fieldsV1": {"f:data": {"f:port": {}}}},
        ]})
    }

    #[test]
    fn a_key_that_somebody_else_took_is_lost_and_says_to_whom() {
        let keys = ["gone", "password", "url"].map(str::to_owned).into();
        let metadata = metadata();
        let lost = Owners::of(&metadata).lost(&keys);
        assert_eq!(
            story(&lost),
            "the key `gone` belongs to `somebody who removed it`, the key `url` belongs to `helm`"
        );
    }

    #[test]
    fn only_what_was_applied_under_our_name_is_ours() {
        let metadata = metadata();
        let foreign = Owners::of(&metadata).foreign(["password", "url", "port"]);
        let keys: Vec<_> = foreign.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["url", "port"]);
        assert!(Owners::of(&json!({})).foreign(["url"]).is_empty());
    }
}
