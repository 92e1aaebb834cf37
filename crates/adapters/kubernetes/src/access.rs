//! The rights that Keywheel needs, asked for before it needs them, and printed as a Role where they are missing.

use std::collections::BTreeSet;

use keywheel_domain::ports::Finding;
use serde_json::{Value, json};

use crate::api::Call;
use crate::cluster::Cluster;
use crate::error::Failure;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// A rule of a Role: verbs on a resource, or on some objects of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    /// The objects; all of them where none is named.
    pub(crate) names: Vec<String>,
    pub(crate) verbs: Vec<&'static str>,
}

impl Rule {
    pub(crate) fn new(group: &'static str, resource: &'static str, verbs: &[&'static str]) -> Self {
        Self {
            group,
            resource,
            names: Vec::new(),
            verbs: verbs.to_vec(),
        }
    }

    #[must_use]
    pub(crate) fn on(self, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
            ..self
        }
    }

    fn yaml(&self) -> String {
        let list = |words: &[&str]| {
            words
                .iter()
                .map(|word| format!("{word:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let names = match names.as_slice() {
            [] => String::new(),
            names => format!("  resourceNames: [{}]\n", list(names)),
        };
        format!(
            "- apiGroups: [{:?}]\n  resources: [{:?}]\n{names}  verbs: [{}]\n",
            self.group,
            self.resource,
            list(&self.verbs)
        )
    }
}

/// What the login may not do of what it needs: a blocker with the Role that grants all of it.
pub(crate) async fn findings(
    cluster: &Cluster,
    namespace: &str,
    subject: &str,
    rules: &[Rule],
) -> Result<Vec<Finding>, Failure> {
    let mut missing = BTreeSet::new();
    for rule in rules {
        for verb in &rule.verbs {
            let everything = [String::new()];
            let names = if rule.names.is_empty() {
                &everything[..]
            } else {
                &rule.names
            };
            for name in names {
                if !may(cluster, namespace, rule, verb, name).await? {
                    missing.insert(format!("{verb} {} {name}", rule.resource).trim_end().to_owned());
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(vec![Finding::fine(
            subject,
            format!("the login has the rights it needs in {namespace}"),
        )]);
    }
    let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
    let fix = format!(
        "bind this Role to the login that Keywheel uses:\n{}",
        role(namespace, rules)
    );
    Ok(vec![Finding::blocker(
        subject,
        format!("the login may not in {namespace}: {missing}"),
        fix,
    )])
}

async fn may(cluster: &Cluster, namespace: &str, rule: &Rule, verb: &str, name: &str) -> Result<bool, Failure> {
    let mut attributes = json!({
        "namespace": namespace, "verb": verb, "group": rule.group, "resource": rule.resource,
    });
    if !name.is_empty() {
        attributes["name"] = Value::from(name);
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let answer = cluster.call(&Call::create(REVIEWS.to_owned(), &review)).await?;
    answer["status"]["allowed"]
        .as_bool()
        .ok_or(Failure::Garbled("an access review"))
}

fn role(namespace: &str, rules: &[Rule]) -> String {
    let rules: String = rules.iter().map(Rule::yaml).collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: keywheel\n  namespace: {namespace}\nrules:\n{rules}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_printed_as_a_role() {
        let rules = [
            Rule::new("", "secrets", &["get", "patch"]).on(["db".to_owned()]),
            Rule::new("apps", "deployments", &["list"]),
        ];
        assert_eq!(
            role("goimg", &rules),
            "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keywheel
  namespace: goimg
rules:
- apiGroups: [\"\"]
  resources: [\"secrets\"]
  resourceNames: [\"db\"]
  verbs: [\"get\", \"patch\"]
- apiGroups: [\"apps\"]
  resources: [\"deployments\"]
  verbs: [\"list\"]
"
        );
    }
}
