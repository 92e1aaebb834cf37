use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Answer, Limits, Moments, Nothing, Numbers};

fn last() -> Timestamp {
    Timestamp::from_second(1_000).unwrap()
}

fn now() -> Moments {
    Moments::until(last(), SignedDuration::ZERO)
}

fn answer(result: serde_json::Value) -> Answer {
    let body = json!({"status": "success", "data": {"resultType": "matrix", "result": result}});
    serde_json::from_value(body).unwrap()
}

fn one(values: serde_json::Value) -> Answer {
    answer(json!([{"metric": {}, "values": values}]))
}

#[test]
fn one_number_at_the_last_moment_is_what_is_asked_for() {
    let numbers = one(json!([[1000, "0.25"]])).numbers(now()).unwrap();
    assert_eq!(numbers.last(), 0.25);
    let infinite = one(json!([[1000.0, "+Inf"]])).numbers(now()).unwrap();
    assert_eq!(infinite.last(), f64::INFINITY);
}

#[test]
fn what_is_not_one_number_is_nothing() {
    assert_eq!(answer(json!([])).numbers(now()), Err(Nothing::Empty));
    let nan = one(json!([[1000, "NaN"]])).numbers(now());
    assert_eq!(nan, Err(Nothing::NotANumber("NaN".to_owned())));
    let histogram = answer(json!([{"metric": {}, "histograms": [[1000, {"count": "1"}]]}]));
    assert_eq!(
        histogram.numbers(now()),
        Err(Nothing::NotANumber("a histogram".to_owned()))
    );
    let series = |pod| json!({"metric": {"pod": pod}, "values": [[1000, "1"]]});
    let many = answer(json!([series("a"), series("b")])).numbers(now());
    assert_eq!(many, Err(Nothing::Many(2, r#"{pod="a"} and {pod="b"}"#.to_owned())));
}

#[test]
fn what_was_once_and_is_not_any_more_is_nothing() {
    let minute = Moments::until(last(), SignedDuration::from_secs(60));
    let before = one(json!([[940, "1"], [946, "1"]])).numbers(minute);
    assert_eq!(before, Err(Nothing::Empty));
}

#[test]
fn a_warning_says_that_a_part_may_be_missing() {
    let mut partial = one(json!([[1000, "1"]]));
    partial.warnings = vec!["store b is away".to_owned()];
    assert_eq!(
        partial.numbers(now()),
        Err(Nothing::Warned("store b is away".to_owned()))
    );
}

#[test]
fn a_condition_lasts_only_if_it_was_true_at_every_moment() {
    let minute = Moments::until(last(), SignedDuration::from_secs(60));
    let at = |numbers: &[&str]| {
        let values: Vec<_> = numbers
            .iter()
            .enumerate()
            .map(|(index, number)| json!([940 + 6 * index, number]))
            .collect();
        one(json!(values)).numbers(minute).unwrap()
    };
    let bad = |numbers: &Numbers| numbers.all(|number| number > 1.0);
    assert!(bad(&at(&["2"; 11])));
    assert!(!bad(&at(&["2", "2", "2", "2", "1", "2", "2", "2", "2", "2", "2"])));
    assert!(!bad(&at(&["2", "2", "2", "2", "NaN", "2", "2", "2", "2", "2", "2"])));
    let late = one(json!([[994, "2"], [1000, "2"]])).numbers(minute).unwrap();
    assert!(!bad(&late), "it is bad, and nobody knows since when");
}

#[test]
fn limits_include_their_ends() {
    let limits = Limits {
        at_least: Some(1.0),
        at_most: Some(2.0),
    };
    assert!(limits.hold(1.0) && limits.hold(2.0));
    assert!(!limits.hold(0.9) && !limits.hold(2.1) && !limits.hold(f64::INFINITY));
    assert_eq!(limits.and_at_most(1.5).to_string(), "between 1 and 1.5");
    assert_eq!(limits.and_at_most(9.0), limits);
}
