//! What the API checks of a Secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::status::{Refusal, bad_request, invalid};

const ROOM: usize = 1_048_576;

/// Takes `stringData` into `data`, as a write does.
pub(super) fn settle(object: &mut Value) {
    let Some(strings) = object.as_object_mut().and_then(|object| object.remove("stringData")) else {
        return;
    };
    if object["data"].is_null() {
        object["data"] = Value::Object(Map::new());
    }
    for (key, value) in strings.as_object().into_iter().flatten() {
        object["data"][key] = json!(STANDARD.encode(value.as_str().unwrap_or_default()));
    }
}

/// Refuses what the API refuses. `before` is null for a new Secret.
pub(super) fn check(name: &str, before: &Value, after: &Value) -> Result<(), Refusal> {
    let mut size = 0;
    for (key, value) in after["data"].as_object().into_iter().flatten() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if key.is_empty() || !key.chars().all(plain) {
            return Err(invalid(
                name,
                &format!("data[{key}]"),
                "a valid config key must consist of alphanumeric characters",
            ));
        }
        let decoded = STANDARD.decode(value.as_str().unwrap_or_default());
        size += decoded.map_err(|_| bad_request("illegal base64 data"))?.len();
    }
    if size > ROOM {
        return Err(invalid(
            name,
            "data",
            &format!("Too long: may not be more than {ROOM} bytes"),
        ));
    }
    if before.is_null() {
        return Ok(());
    }
    if before["type"] != after["type"] {
        return Err(invalid(name, "type", "field is immutable"));
    }
    if before["immutable"] == json!(true) {
        if after["immutable"] != json!(true) {
            return Err(invalid(name, "immutable", "field is immutable when `immutable` is set"));
        }
        if before["data"] != after["data"] {
            return Err(invalid(name, "data", "field is immutable when `immutable` is set"));
        }
    }
    Ok(())
}
