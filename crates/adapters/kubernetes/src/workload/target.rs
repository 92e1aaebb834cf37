//! The objects that a workload is made of.

use std::collections::{BTreeMap, BTreeSet};

use keywheel_domain::ports::{ErrorKind, PortError};
use serde_json::Value;

use super::status::{self, Progress};
use crate::api::{Call, encoded};
use crate::cluster::Cluster;
use crate::config::RolloutConfig;
use crate::error::Failure;

/// What runs Pods by a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

/// One object, as it was seen last.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) object: Value,
}

impl Target {
    pub(super) fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub(super) fn uid(&self) -> &str {
        self.object["metadata"]["uid"].as_str().unwrap_or_default()
    }

    /// Its name for people.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.kind.word(), self.name())
    }

    pub(super) fn is_paused(&self) -> bool {
        self.object["spec"]["paused"] == Value::Bool(true)
    }

    /// The annotation of its Pods' template.
    pub(super) fn mark(&self, annotation: &str) -> Option<&str> {
        self.object["spec"]["template"]["metadata"]["annotations"][annotation].as_str()
    }

    pub(super) fn progress(&self) -> Progress {
        status::of(self.kind, &self.object)
    }
}

/// Which objects a workload is made of, as the configuration says it.
#[derive(Debug)]
pub(super) struct Targets {
    names: BTreeMap<Kind, BTreeSet<String>>,
    selector: Option<String>,
    canaries: Vec<String>,
}

/// A collection that was listed, and the version of the list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) version: String,
}

impl Targets {
    pub(super) fn new(config: &RolloutConfig) -> Self {
        let names = [
            (Kind::Deployment, &config.deployments),
            (Kind::StatefulSet, &config.stateful_sets),
            (Kind::DaemonSet, &config.daemon_sets),
        ];
        let named = names.into_iter().filter(|(_, names)| !names.is_empty());
        Self {
            names: named
                .map(|(kind, names)| (kind, names.iter().cloned().collect()))
                .collect(),
            selector: config.selector.clone(),
            canaries: config.canaries.clone(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.selector.is_none()
    }

    pub(super) fn names(&self, kind: Kind) -> Option<&BTreeSet<String>> {
        self.names.get(&kind)
    }

    /// Whether it restarts first, and alone.
    pub(super) fn is_canary(&self, target: &Target) -> bool {
        self.canaries.iter().any(|name| name == target.name())
    }

    /// Whether there is a label selector.
    pub(super) fn selects(&self) -> bool {
        self.selector.is_some()
    }

    /// Whether objects of that kind may be among them.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.selector.is_some() || self.names.contains_key(&kind)
    }

    /// The collections to list and to watch: one for each kind, unless some are named and others selected.
    fn collections(&self, namespace: &str) -> Vec<(Kind, String, bool)> {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            let path = format!("/apis/apps/v1/namespaces/{namespace}/{}", kind.resource());
            if let Some(selector) = &self.selector {
                found.push((kind, format!("{path}?labelSelector={}", encoded(selector)), true));
            }
            let Some(names) = self.names.get(&kind) else { continue };
            let mut names = names.iter();
            match (names.next(), names.next()) {
                (Some(only), None) => {
                    let field = encoded(&format!("metadata.name={only}"));
                    found.push((kind, format!("{path}?fieldSelector={field}"), false));
                }
                _ => found.push((kind, path, false)),
            }
        }
        found
    }

    /// All of them as they are now, in order; one request for each collection.
    pub(super) async fn list(&self, cluster: &Cluster, namespace: &str) -> Result<(Vec<Target>, Vec<Listed>), Failure> {
        let mut found: BTreeMap<(Kind, String), Target> = BTreeMap::new();
        let mut listed = Vec::new();
        for (kind, path, selected) in self.collections(namespace) {
            let mut list = cluster.call(&Call::get(path.clone())).await?;
            let version = list["metadata"]["resourceVersion"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            listed.push(Listed { kind, path, version });
            let Some(items) = list["items"].as_array_mut() else {
                return Err(Failure::Garbled("a list"));
            };
            for object in items.drain(..) {
                let target = Target { kind, object };
                let named = self.names.get(&kind).is_some_and(|names| names.contains(target.name()));
                if selected || named {
                    found.insert((kind, target.name().to_owned()), target);
                }
            }
        }
        Ok((found.into_values().collect(), listed))
    }

    /// What is named and not there.
    fn missing(&self, found: &[Target]) -> Vec<String> {
        let mut missing = Vec::new();
        for (kind, names) in &self.names {
            let there = |name: &String| found.iter().any(|target| target.kind == *kind && target.name() == name);
            missing.extend(
                names
                    .iter()
                    .filter(|name| !there(name))
                    .map(|name| format!("{}/{name}", kind.word())),
            );
        }
        let there = |name: &String| found.iter().any(|target| target.name() == name);
        let canaries = self.canaries.iter().filter(|name| !there(name));
        missing.extend(canaries.map(|name| format!("the canary {name}")));
        missing
    }

    /// That there is something, and everything that is named.
    pub(super) fn complete(&self, name: &str, found: &[Target]) -> Result<(), PortError> {
        let missing = self.missing(found);
        let problem = match (missing.is_empty(), found.is_empty()) {
            (false, _) => format!(
                "{name}: {} does not exist; create it, or correct its name",
                missing.join(", ")
            ),
            (true, true) => format!("{name}: nothing has the labels of its `selector`; correct it"),
            (true, false) => return Ok(()),
        };
        Err(PortError::permanent(ErrorKind::NotFound, problem))
    }
}
