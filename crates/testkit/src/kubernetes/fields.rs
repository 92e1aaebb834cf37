//! Who owns which field of a Secret.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::status::{Refusal, apply_conflict};

/// The parts of a Secret whose entries are owned one by one.
const MAPS: [&str; 4] = ["/data", "/stringData", "/metadata/labels", "/metadata/annotations"];
const PLAIN: [&str; 2] = ["/type", "/immutable"];

/// A part and the entry in it; the part alone where it is owned as a whole.
type Field = (&'static str, String);

/// Who changed or applied something, and owns it since.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) applies: bool,
}

/// The owners of one object's fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Ownership(BTreeMap<Manager, BTreeSet<Field>>);

/// Every field with its value.
fn fields(object: &Value) -> BTreeMap<Field, Value> {
    let mut found = BTreeMap::new();
    for part in MAPS {
        for (key, value) in object.pointer(part).and_then(Value::as_object).into_iter().flatten() {
            found.insert((part, key.clone()), value.clone());
        }
    }
    for part in PLAIN {
        found.extend(object.pointer(part).map(|value| ((part, String::new()), value.clone())));
    }
    found
}

impl Ownership {
    /// After a POST, PUT or PATCH: what changed belongs to who changed it, and to nobody else.
    pub(super) fn changed(&mut self, by: &str, before: &Value, after: &Value) {
        let (before, after) = (fields(before), fields(after));
        let changed: BTreeSet<Field> = after
            .iter()
            .filter(|(field, value)| before.get(*field) != Some(value))
            .map(|(field, _)| field.clone())
            .collect();
        for owned in self.0.values_mut() {
            owned.retain(|field| !changed.contains(field) && (after.contains_key(field) || field.0 == "/stringData"));
        }
        let manager = Manager {
            name: by.to_owned(),
            applies: false,
        };
        self.0.entry(manager).or_default().extend(changed);
        self.0.retain(|_, owned| !owned.is_empty());
    }

    /// Merges what is applied into the object.
    ///
    /// Applying `stringData` is what it is in the API: owned under that name, it meets no owner of the same key of `data`.
    pub(super) fn apply(&mut self, by: &str, applied: &Value, object: &mut Value, force: bool) -> Result<(), Refusal> {
        let (wanted, live) = (fields(applied), fields(object));
        let manager = Manager {
            name: by.to_owned(),
            applies: true,
        };
        let mut conflicts = Vec::new();
        for (field, value) in &wanted {
            if live.get(field) == Some(value) || field.0 == "/stringData" {
                continue;
            }
            let others = self
                .0
                .iter_mut()
                .filter(|(other, owned)| **other != manager && owned.contains(field));
            for (other, owned) in others {
                if force {
                    owned.remove(field);
                } else {
                    conflicts.push((dotted(field), other.name.clone()));
                }
            }
        }
        if !conflicts.is_empty() {
            return Err(apply_conflict(&conflicts));
        }
        let before = self.0.remove(&manager).unwrap_or_default();
        for field in before.iter().filter(|field| !wanted.contains_key(*field)) {
            if !self.0.values().any(|owned| owned.contains(field)) {
                remove(object, field);
            }
        }
        wanted.iter().for_each(|(field, value)| set(object, field, value));
        self.0.insert(manager, wanted.into_keys().collect());
        self.0.retain(|_, owned| !owned.is_empty());
        Ok(())
    }

    /// As `metadata.managedFields` shows it.
    pub(super) fn managed_fields(&self) -> Value {
        let entry = |(manager, owned): (&Manager, &BTreeSet<Field>)| {
            let mut tree = json!({});
            owned.iter().for_each(|field| place(&mut tree, field));
            let operation = if manager.applies { "Apply" } else { "Update" };
            json!({
                "manager": manager.name, "operation": operation, "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": tree,
            })
        };
        self.0.iter().map(entry).collect()
    }
}

fn steps(field: &Field) -> Vec<String> {
    let mut steps: Vec<String> = field.0.split('/').skip(1).map(str::to_owned).collect();
    steps.extend((!field.1.is_empty()).then(|| field.1.clone()));
    steps
}

fn dotted(field: &Field) -> String {
    steps(field).iter().map(|step| format!(".{step}")).collect()
}

fn place(tree: &mut Value, field: &Field) {
    let mut node = tree;
    for step in steps(field) {
        node = &mut node[format!("f:{step}")];
        if node.is_null() {
            *node = json!({});
        }
    }
}

fn set(object: &mut Value, field: &Field, value: &Value) {
    let mut node = object;
    for step in steps(field) {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        node = &mut node[step];
    }
    *node = value.clone();
}

fn remove(object: &mut Value, field: &Field) {
    let steps = steps(field);
    let Some((last, parents)) = steps.split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(object, |node, step| node.get_mut(step));
    if let Some(parent) = parent.and_then(Value::as_object_mut) {
        parent.remove(last);
    }
}
