//! The alerts that fire.

use std::collections::BTreeMap;

use keywheel_domain::ports::PortError;
use serde::Deserialize;

use crate::client::Client;

/// So many are named; the rest is counted.
const NAMED: usize = 3;

/// An alert, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Alert {
    labels: BTreeMap<String, String>,
}

/// The alerts that fire, all of the matchers match, and nobody has silenced.
pub(crate) async fn firing(client: &Client, matchers: &[String]) -> Result<Vec<Alert>, PortError> {
    let switches = [
        ("active", "true"),
        ("silenced", "false"),
        ("inhibited", "false"),
        ("unprocessed", "true"),
    ];
    let mut parameters: Vec<_> = switches.map(|(name, value)| (name, value.to_owned())).into();
    parameters.extend(matchers.iter().map(|matcher| ("filter", matcher.clone())));
    client.get("api/v2/alerts", &parameters).await
}

/// Their names, for people.
pub(crate) fn listed(alerts: &[Alert]) -> String {
    let names: Vec<_> = alerts.iter().take(NAMED).map(Alert::name).collect();
    match alerts.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl Alert {
    fn name(&self) -> String {
        let name = self
            .labels
            .get("alertname")
            .map_or("an alert without a name", String::as_str);
        let of = ["instance", "pod", "job", "service"]
            .iter()
            .find_map(|label| self.labels.get(*label));
        of.map_or_else(|| name.to_owned(), |of| format!("{name} ({of})"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Alert, listed};

    #[test]
    fn alerts_are_named_with_what_they_are_about() {
        let alert = |name: &str, pod: &str| json!({"labels": {"alertname": name, "pod": pod}});
        let alerts: Vec<Alert> = serde_json::from_value(json!([
            alert("HighErrorRate", "a"),
            alert("HighErrorRate", "b"),
            {"labels": {"alertname": "Slow"}},
            alert("Slow", "c"),
        ]))
        .unwrap();
        assert_eq!(listed(&alerts), "HighErrorRate (a), HighErrorRate (b), Slow and 1 more");
        assert_eq!(listed(&alerts[2..3]), "Slow");
    }
}
