//! Selectors of labels and of names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::status::{Refusal, bad_request};

/// What a request selects.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    name: Option<String>,
}

#[derive(Debug, Clone)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Selector {
    pub(super) fn of(query: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let labels = query.get("labelSelector").map_or("", String::as_str);
        let name = match query.get("fieldSelector").map(|text| text.split_once('=')) {
            None => None,
            Some(Some(("metadata.name", name))) => Some(name.trim_start_matches('=').to_owned()),
            Some(_) => return Err(bad_request("field label not supported")),
        };
        let labels = terms(labels).into_iter().map(requirement).collect::<Option<_>>();
        let labels = labels.ok_or_else(|| bad_request("unable to parse requirement"))?;
        Ok(Self { labels, name })
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let named = self.name.as_ref().is_none_or(|name| metadata["name"] == name.as_str());
        named
            && self
                .labels
                .iter()
                .all(|requirement| requirement.is_met(&metadata["labels"]))
    }
}

impl Requirement {
    fn is_met(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str).map(str::to_owned);
        match self {
            Self::In(key, values) => value(key).is_some_and(|value| values.contains(&value)),
            Self::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(&value)),
            Self::Exists(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
        }
    }
}

/// Parts at commas outside of brackets.
fn terms(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_u32, 0, Vec::new());
    for (place, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found.retain(|term| !term.trim().is_empty());
    found
}

fn requirement(term: &str) -> Option<Requirement> {
    let term = term.trim();
    let one = |value: &str| vec![value.trim().to_owned()];
    let key = |key: &str| key.trim().to_owned();
    if let Some(absent) = term.strip_prefix('!') {
        return Some(Requirement::Absent(key(absent)));
    }
    if let Some((name, value)) = term.split_once("!=") {
        return Some(Requirement::NotIn(key(name), one(value)));
    }
    if let Some((name, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Requirement::In(key(name), one(value)));
    }
    let Some((head, values)) = term.split_once('(') else {
        return (!term.contains(' ')).then(|| Requirement::Exists(key(term)));
    };
    let values = values
        .strip_suffix(')')?
        .split(',')
        .map(|value| value.trim().to_owned())
        .collect();
    match head.trim().rsplit_once(' ')? {
        (name, "in") => Some(Requirement::In(key(name), values)),
        (name, "notin") => Some(Requirement::NotIn(key(name), values)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_selects() {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "api", "tier": "web"}}});
        for (text, taken) in [
            ("", true),
            ("app=api,tier==web", true),
            ("app!=api", false),
            ("app in (api, worker),tier", true),
            ("app notin (api)", false),
            ("!app", false),
            ("!nothing", true),
        ] {
            let query = BTreeMap::from([("labelSelector".to_owned(), text.to_owned())]);
            assert_eq!(Selector::of(&query).unwrap().takes(&object), taken, "{text}");
        }
        let named = BTreeMap::from([("fieldSelector".to_owned(), "metadata.name=b".to_owned())]);
        assert!(!Selector::of(&named).unwrap().takes(&object));
        let wrong = BTreeMap::from([("labelSelector".to_owned(), "a b c".to_owned())]);
        assert!(Selector::of(&wrong).is_err());
    }
}
