//! Where a Pod's template reads a Secret.

use serde_json::Value;

/// A place in the template that names the Secret: a JSON pointer, and the name there.
pub(super) type Reference = (String, String);

/// Every place where the template reads the Secret, in its environment or as files, by its plain name or by that of a delivery.
pub(super) fn of(template: &Value, secret: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    look(template, "", secret, &mut found);
    found
}

fn look(value: &Value, place: &str, secret: &str, found: &mut Vec<Reference>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let place = format!("{place}/{}", escaped(key));
                let field = match key.as_str() {
                    "secretKeyRef" | "secretRef" => "name",
                    // A volume names it otherwise than a source of a projected one.
                    "secret" if value["secretName"].is_null() => "name",
                    "secret" => "secretName",
                    _ => "",
                };
                let name = value.get(field).and_then(Value::as_str);
                if let Some(name) = name.filter(|name| is_of(name, secret)) {
                    found.push((format!("{place}/{field}"), name.to_owned()));
                }
                look(value, &place, secret, found);
            }
        }
        Value::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                look(value, &format!("{place}/{number}"), secret, found);
            }
        }
        _ => {}
    }
}

/// Whether that is the name of the Secret, or of one of its deliveries.
fn is_of(name: &str, secret: &str) -> bool {
    let Some(rest) = name.strip_prefix(secret) else {
        return false;
    };
    let revision = rest.strip_prefix("-r");
    rest.is_empty()
        || revision.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// A key in a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_read_a_secret_is_known() {
        for (template, place) in [
            (
                json!({"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "a"}}}]}]}),
                "/containers/0/env/0/valueFrom/secretKeyRef/name",
            ),
            (
                json!({"initContainers": [{"envFrom": [{"secretRef": {"name": "db-r12"}}]}]}),
                "/initContainers/0/envFrom/0/secretRef/name",
            ),
            (
                json!({"volumes": [{"secret": {"secretName": "db"}}]}),
                "/volumes/0/secret/secretName",
            ),
            (
                json!({"volumes": [{"projected": {"sources": [{"secret": {"name": "db"}}]}}]}),
                "/volumes/0/projected/sources/0/secret/name",
            ),
        ] {
            let found = of(&template, "db");
            assert_eq!(found.len(), 1, "{template}");
            assert_eq!(found[0].0, place);
            assert_eq!(
                template.pointer(place).and_then(Value::as_str),
                Some(found[0].1.as_str())
            );
            assert!(of(&template, "other").is_empty(), "{template}");
        }
        for other in ["db-rx", "db-r", "db2", "db-r1-b"] {
            let template = json!({"volumes": [{"name": "db", "secret": {"secretName": other}}]});
            assert!(of(&template, "db").is_empty(), "{other}");
        }
    }
}
