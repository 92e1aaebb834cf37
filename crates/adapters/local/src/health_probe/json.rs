//! What has to be true of a value in a JSON answer. A value that is missing or no number is *unknown*: it never passes.

use keywheel_domain::ports::PortError;
use serde_json::Value;

use crate::config::JsonCheck;
use crate::error::invalid;
use crate::redact;

/// What one check says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Holds,
    Broken(String),
    Unknown(String),
}

/// Refuses a check that checks nothing.
pub(super) fn validate(probe: &str, check: &JsonCheck) -> Result<(), PortError> {
    let JsonCheck {
        pointer,
        equals,
        at_least,
        at_most,
    } = check;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(invalid(format!(
            "the pointer {pointer:?} of the probe {probe} does not begin with `/`; write it as `/status`"
        )));
    }
    let limits = [at_least, at_most];
    if equals.is_none() && limits.iter().all(|limit| limit.is_none()) {
        return Err(invalid(format!(
            "the check of {pointer:?} of the probe {probe} says nothing; give it `equals`, `at_least` or `at_most`"
        )));
    }
    match limits.iter().any(|limit| limit.is_some_and(|limit| !limit.is_finite())) {
        true => Err(invalid(format!(
            "a limit of {pointer:?} of the probe {probe} is no finite number"
        ))),
        false => Ok(()),
    }
}

pub(super) fn check(check: &JsonCheck, body: &Value) -> Checked {
    let pointer = &check.pointer;
    let Some(found) = body.pointer(pointer) else {
        return Checked::Unknown(format!("there is no {pointer} in the answer"));
    };
    if let Some(wanted) = check.equals.as_ref().filter(|wanted| !same(wanted, found)) {
        return Checked::Broken(format!("{pointer} is {} instead of {}", shown(found), shown(wanted)));
    }
    if check.at_least.is_none() && check.at_most.is_none() {
        return Checked::Holds;
    }
    let Some(number) = found.as_f64() else {
        return Checked::Unknown(format!("{pointer} is {}, which is no number", shown(found)));
    };
    match (check.at_least, check.at_most) {
        (Some(least), _) if number < least => Checked::Broken(format!("{pointer} is {number}, below {least}")),
        (_, Some(most)) if number > most => Checked::Broken(format!("{pointer} is {number}, above {most}")),
        _ => Checked::Holds,
    }
}

/// 1 and 1.0 are the same number, which `Value` does not think.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn shown(value: &Value) -> String {
    redact::excerpt(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(pointer: &str) -> JsonCheck {
        JsonCheck {
            pointer: pointer.to_owned(),
            equals: None,
            at_least: None,
            at_most: None,
        }
    }

    fn body() -> Value {
        json!({"status": "ok", "errors": 0.5, "ready": 3, "empty": null, "nan": "NaN", "a/b": true})
    }

    #[test]
    fn equality_is_of_values() {
        let is = |pointer: &str, value: Value| {
            let rule = JsonCheck {
                equals: Some(value),
                ..rule(pointer)
            };
            check(&rule, &body())
        };
        assert_eq!(is("/status", json!("ok")), Checked::Holds);
        assert_eq!(is("/ready", json!(3.0)), Checked::Holds);
        assert_eq!(is("/a~1b", json!(true)), Checked::Holds);
        let broken = is("/status", json!("down"));
        assert_eq!(
            broken,
            Checked::Broken(r#"/status is "ok" instead of "down""#.to_owned())
        );
    }

    #[test]
    fn limits_are_of_numbers_and_include_their_ends() {
        let between = |pointer: &str| {
            let rule = JsonCheck {
                at_least: Some(0.5),
                at_most: Some(2.0),
                ..rule(pointer)
            };
            check(&rule, &body())
        };
        assert_eq!(between("/errors"), Checked::Holds);
        assert_eq!(between("/ready"), Checked::Broken("/ready is 3, above 2".to_owned()));
    }

    #[test]
    fn what_is_missing_or_no_number_is_unknown() {
        for pointer in ["/missing", "/empty", "/nan", "/status", ""] {
            let rule = JsonCheck {
                at_most: Some(1.0),
                ..rule(pointer)
            };
            assert!(matches!(check(&rule, &body()), Checked::Unknown(_)), "{pointer}");
        }
    }

    #[test]
    fn a_check_that_checks_nothing_is_refused() {
        assert!(validate("api", &rule("/status")).is_err());
        let infinite = JsonCheck {
            at_most: Some(f64::INFINITY),
            ..rule("/x")
        };
        assert!(validate("api", &infinite).is_err());
        let no_pointer = JsonCheck {
            at_most: Some(1.0),
            ..rule("status")
        };
        assert!(validate("api", &no_pointer).is_err());
    }
}
