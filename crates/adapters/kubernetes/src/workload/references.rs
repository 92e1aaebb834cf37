//! Where a Pod's template reads a Secret.

use serde_json::Value;

/// Whether the template reads the Secret: in its environment, or as files.
pub(super) fn reads(template: &Value, secret: &str) -> bool {
    match template {
        Value::Object(object) => object.iter().any(|(key, value)| {
            let name = match key.as_str() {
                "secretKeyRef" | "secretRef" => &value["name"],
                // A volume names it otherwise than a source of a projected one.
                "secret" if value["secretName"].is_null() => &value["name"],
                "secret" => &value["secretName"],
                _ => &Value::Null,
            };
            name == secret || reads(value, secret)
        }),
        Value::Array(list) => list.iter().any(|value| reads(value, secret)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_read_a_secret_is_known() {
        for template in [
            json!({"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "a"}}}]}]}),
            json!({"initContainers": [{"envFrom": [{"secretRef": {"name": "db"}}]}]}),
            json!({"volumes": [{"secret": {"secretName": "db"}}]}),
            json!({"volumes": [{"projected": {"sources": [{"secret": {"name": "db"}}]}}]}),
        ] {
            assert!(reads(&template, "db"), "{template}");
            assert!(!reads(&template, "other"), "{template}");
        }
        assert!(!reads(
            &json!({"volumes": [{"name": "db", "configMap": {"name": "db"}}]}),
            "db"
        ));
    }
}
