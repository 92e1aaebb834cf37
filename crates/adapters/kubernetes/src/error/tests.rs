use keywheel_domain::ports::Effect;
use serde_json::json;

use super::*;

fn said(code: u16, body: &Value) -> Failure {
    let said = Said::read(code, None, body.to_string().as_bytes(), false);
    Failure::Said(Box::new(said))
}

fn status(code: u16, reason: &str) -> Failure {
    said(
        code,
        &json!({"kind": "Status", "reason": reason, "message": "as it is"}),
    )
}

#[test]
fn every_answer_says_whether_to_try_again_and_whether_something_changed() {
    use ErrorKind::{Conflict, Forbidden, Invalid, NotFound, RateLimited, TimedOut, Unavailable};
    for (code, reason, kind, retry, effect) in [
        (400, "BadRequest", Invalid, Retry::Never, Effect::None),
        (401, "Unauthorized", Forbidden, Retry::Later, Effect::None),
        (403, "Forbidden", Forbidden, Retry::Never, Effect::None),
        (404, "NotFound", NotFound, Retry::Never, Effect::None),
        (409, "Conflict", Conflict, Retry::Later, Effect::None),
        (409, "AlreadyExists", Conflict, Retry::Later, Effect::None),
        (410, "Expired", Unavailable, Retry::Later, Effect::None),
        (422, "Invalid", Invalid, Retry::Never, Effect::None),
        (429, "TooManyRequests", RateLimited, Retry::Later, Effect::None),
        (500, "InternalError", Unavailable, Retry::Later, Effect::Unknown),
        (503, "ServiceUnavailable", Unavailable, Retry::Later, Effect::Unknown),
        (504, "Timeout", TimedOut, Retry::Later, Effect::Unknown),
    ] {
        let error = status(code, reason).changing("apply it");
        assert_eq!(
            (error.kind, error.retry, error.effect),
            (kind, retry, effect),
            "{code}: {error}"
        );
        assert!(error.message().contains(reason), "{error}");
        assert_eq!(status(code, reason).looking("look").effect, Effect::None);
    }
}

#[test]
fn a_foreign_owner_is_named_with_his_field() {
    let conflict = said(
        409,
        &json!({"reason": "Conflict", "message": "Apply failed with 1 conflict", "details": {"causes": [{
            "reason": "FieldManagerConflict", "message": "conflict with \"helm\" using v1", "field": ".data.password",
        }]}}),
    );
    let error = conflict.changing("apply the Secret");
    assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::Never));
    assert!(error.message().contains("`data.password` belongs to `helm`"), "{error}");
}

#[test]
fn a_server_that_asks_for_patience_gets_it_whichever_way_it_asks() {
    let later = SignedDuration::from_secs(7);
    let of_header = Said::read(429, Some(later), b"Too many requests, please try again later.", false);
    let of_body = Said::read(429, None, br#"{"details":{"retryAfterSeconds":7}}"#, false);
    for said in [of_header, of_body] {
        assert_eq!(Failure::Said(Box::new(said)).looking("look").retry, Retry::After(later));
    }
}

#[test]
fn a_message_about_material_is_not_repeated() {
    let body = json!({"reason": "Invalid", "message": "Invalid value: hunter2", "details": {"causes": [
        {"reason": "FieldValueInvalid", "message": "hunter2", "field": "data"},
    ]}});
    let said = Said::read(422, None, body.to_string().as_bytes(), true);
    let error = Failure::Said(Box::new(said)).changing("apply the Secret");
    assert!(!error.chain().contains("hunter2"), "{error}");
    assert!(
        error.message().ends_with("(422 Invalid data FieldValueInvalid)"),
        "{error}"
    );
}

#[test]
fn what_was_sent_and_not_answered_may_have_happened() {
    let effect = |failure: Failure| failure.changing("apply it").effect;
    assert_eq!(effect(Failure::Unreachable("refused".to_owned())), Effect::None);
    assert_eq!(effect(Failure::Unequipped("no kubeconfig".to_owned())), Effect::None);
    assert_eq!(effect(Failure::Lost("reset".to_owned())), Effect::Unknown);
    assert_eq!(
        effect(Failure::TimedOut(SignedDuration::from_secs(30))),
        Effect::Unknown
    );
    assert_eq!(effect(Failure::Garbled("the answer")), Effect::Unknown);
}
