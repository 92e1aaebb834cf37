//! The errors of the API, in its own form.

use serde_json::{Value, json};

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn of(code: u16, body: Value) -> Self {
        Self {
            code,
            retry_after: None,
            body,
        }
    }
}

/// A refused request.
pub(super) type Refusal = Box<Answer>;

/// A `Status` with that reason.
pub(super) fn failure(code: u16, reason: &str, message: impl Into<String>, details: Value) -> Refusal {
    Box::new(Answer::of(
        code,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message.into(), "reason": reason, "details": details, "code": code,
        }),
    ))
}

pub(super) fn not_found(resource: &str, name: &str) -> Refusal {
    let message = format!("{resource} {name:?} not found");
    failure(404, "NotFound", message, json!({"name": name, "kind": resource}))
}

pub(super) fn already_exists(resource: &str, name: &str) -> Refusal {
    let message = format!("{resource} {name:?} already exists");
    failure(409, "AlreadyExists", message, json!({"name": name, "kind": resource}))
}

pub(super) fn conflict(resource: &str, name: &str) -> Refusal {
    let message = format!(
        "Operation cannot be fulfilled on {resource} {name:?}: the object has been modified; please apply your changes to the latest version and try again"
    );
    failure(409, "Conflict", message, json!({"name": name, "kind": resource}))
}

/// Fields that others own: each with its path and its owner.
pub(super) fn apply_conflict(fields: &[(String, String)]) -> Refusal {
    let cause = |(field, manager): &(String, String)| {
        let message = format!("conflict with {manager:?} using v1");
        json!({"reason": "FieldManagerConflict", "message": message, "field": field})
    };
    let causes: Vec<Value> = fields.iter().map(cause).collect();
    let message = format!("Apply failed with {} conflicts", fields.len());
    failure(409, "Conflict", message, json!({"causes": causes}))
}

pub(super) fn invalid(name: &str, field: &str, message: &str) -> Refusal {
    let cause = json!({"reason": "FieldValueInvalid", "message": message, "field": field});
    let text = format!("{name:?} is invalid: {field}: {message}");
    failure(422, "Invalid", text, json!({"name": name, "causes": [cause]}))
}

pub(super) fn bad_request(message: impl Into<String>) -> Refusal {
    failure(400, "BadRequest", message, json!({}))
}

pub(super) fn gone() -> Refusal {
    failure(
        410,
        "Expired",
        "The resourceVersion for the provided watch is too old.",
        json!({}),
    )
}
