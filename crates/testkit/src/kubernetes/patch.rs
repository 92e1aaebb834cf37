//! The three patches beside server-side apply.

use serde_json::{Map, Value};

use super::status::{Refusal, bad_request, invalid};

/// Lists that the strategic merge patch merges by `name`.
const BY_NAME: [&str; 4] = ["containers", "initContainers", "volumes", "env"];

/// RFC 7386.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    merge_with(target, patch, false);
}

/// The API's own: as the merge patch, but lists of containers and the like are merged by name.
pub(super) fn strategic(target: &mut Value, patch: &Value) {
    merge_with(target, patch, true);
}

fn merge_with(target: &mut Value, patch: &Value, by_name: bool) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            object.remove(key);
        } else if by_name && BY_NAME.contains(&key.as_str()) && value.is_array() {
            merge_list(object.entry(key).or_insert(Value::Array(Vec::new())), value);
        } else {
            merge_with(object.entry(key).or_insert(Value::Null), value, by_name);
        }
    }
}

fn merge_list(target: &mut Value, patch: &Value) {
    let (Some(list), Some(patch)) = (target.as_array_mut(), patch.as_array()) else {
        return;
    };
    for item in patch {
        match list.iter_mut().find(|known| known["name"] == item["name"]) {
            Some(known) => merge_with(known, item, true),
            None => list.push(item.clone()),
        }
    }
}

/// RFC 6902, as far as the API is used: add, replace, remove, test. A test that fails is 422, as in the API.
pub(super) fn json(target: &mut Value, patch: &Value, name: &str) -> Result<(), Refusal> {
    let steps = patch.as_array().ok_or_else(|| bad_request("a JSON patch is a list"))?;
    for step in steps {
        let path = step["path"].as_str().unwrap_or_default();
        let refused = || invalid(name, path, "the operation does not apply");
        if step["op"] == "test" {
            if target.pointer(path) == Some(&step["value"]) {
                continue;
            }
            return Err(invalid(name, path, "testing value failed"));
        }
        let (parent, last) = path.rsplit_once('/').ok_or_else(refused)?;
        let parent = target.pointer_mut(parent).ok_or_else(refused)?;
        let last = last.replace("~1", "/").replace("~0", "~");
        let done = match parent {
            Value::Object(object) => change_object(object, &last, step),
            Value::Array(list) => change_list(list, &last, step),
            _ => None,
        };
        done.ok_or_else(refused)?;
    }
    Ok(())
}

fn change_object(object: &mut Map<String, Value>, key: &str, step: &Value) -> Option<()> {
    match step["op"].as_str()? {
        "replace" if !object.contains_key(key) => None,
        "add" | "replace" => {
            object.insert(key.to_owned(), step["value"].clone());
            Some(())
        }
        "remove" => object.remove(key).map(drop),
        _ => None,
    }
}

fn change_list(list: &mut Vec<Value>, key: &str, step: &Value) -> Option<()> {
    let place = if key == "-" { list.len() } else { key.parse().ok()? };
    match step["op"].as_str()? {
        "add" if place <= list.len() => list.insert(place, step["value"].clone()),
        "replace" if place < list.len() => list[place] = step["value"].clone(),
        "remove" if place < list.len() => drop(list.remove(place)),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_replaces_lists_and_a_strategic_one_merges_containers() {
        let whole = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}], "args": [1, 2]}});
        let patch = json!({"spec": {"containers": [{"name": "a", "tty": true}], "args": [3]}});
        let mut merged = whole.clone();
        merge(&mut merged, &patch);
        assert_eq!(merged["spec"]["containers"], json!([{"name": "a", "tty": true}]));
        let mut merged = whole;
        strategic(&mut merged, &patch);
        assert_eq!(
            merged["spec"],
            json!({"containers": [{"name": "a", "image": "x", "tty": true}, {"name": "b"}], "args": [3]})
        );
    }

    #[test]
    fn null_removes() {
        let mut target = json!({"a": {"b": 1, "c": 2}});
        merge(&mut target, &json!({"a": {"b": null}}));
        assert_eq!(target, json!({"a": {"c": 2}}));
    }

    #[test]
    fn a_json_patch_is_walked_step_by_step() {
        let mut target = json!({"a": {"x/y": 1}, "l": [1]});
        let steps = json!([
            {"op": "test", "path": "/a/x~1y", "value": 1},
            {"op": "replace", "path": "/a/x~1y", "value": 2},
            {"op": "add", "path": "/l/-", "value": 2},
            {"op": "remove", "path": "/l/0"},
        ]);
        self::json(&mut target, &steps, "x").unwrap();
        assert_eq!(target, json!({"a": {"x/y": 2}, "l": [2]}));
        let failed = json!([{"op": "test", "path": "/l", "value": []}]);
        assert_eq!(self::json(&mut target, &failed, "x").unwrap_err().code, 422);
        let nowhere = json!([{"op": "replace", "path": "/no", "value": 1}]);
        assert_eq!(self::json(&mut target, &nowhere, "x").unwrap_err().code, 422);
    }
}
