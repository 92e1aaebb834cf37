//! Addresses of the API.

use std::collections::BTreeMap;

/// A kind of object that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) resource: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Whether it has a generation, and a status that is written apart.
    pub(super) works: bool,
}

pub(super) const DEPLOYMENTS: Kind = apps("deployments", "Deployment");
pub(super) const STATEFUL_SETS: Kind = apps("statefulsets", "StatefulSet");
pub(super) const DAEMON_SETS: Kind = apps("daemonsets", "DaemonSet");
pub(super) const REPLICA_SETS: Kind = apps("replicasets", "ReplicaSet");
pub(super) const PODS: Kind = core("pods", "Pod");
pub(super) const SECRETS: Kind = core("secrets", "Secret");
pub(super) const NAMESPACES: Kind = core("namespaces", "Namespace");

const KINDS: [Kind; 7] = [
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REPLICA_SETS,
    PODS,
    SECRETS,
    NAMESPACES,
];

const fn apps(resource: &'static str, name: &'static str) -> Kind {
    Kind {
        resource,
        name,
        version: "apps/v1",
        works: true,
    }
}

const fn core(resource: &'static str, name: &'static str) -> Kind {
    Kind {
        resource,
        name,
        version: "v1",
        works: false,
    }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// All objects of a kind in a namespace; in every one, where it is empty.
    Collection(Kind, String),
    /// One object, and a part of it.
    Object(Key, Option<String>),
    /// A question about the caller's rights.
    AccessReview,
}

/// Reads a path; `None` for what is not served.
pub(super) fn place(path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ((*version).to_owned(), rest),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        _ => return None,
    };
    if version == "authorization.k8s.io/v1" {
        return (rest == ["selfsubjectaccessreviews"]).then_some(Place::AccessReview);
    }
    let kind = |resource: &str| {
        KINDS
            .into_iter()
            .find(|kind| kind.resource == resource && kind.version == version)
    };
    let object = |kind, namespace: &str, name: &str, part: Option<&str>| {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Place::Object(Key { kind, namespace, name }, part.map(str::to_owned))
    };
    match rest {
        ["namespaces", name] => Some(object(NAMESPACES, "", name, None)),
        ["namespaces", namespace, resource] => Some(Place::Collection(kind(resource)?, (*namespace).to_owned())),
        ["namespaces", namespace, resource, name] => Some(object(kind(resource)?, namespace, name, None)),
        ["namespaces", namespace, resource, name, part] => Some(object(kind(resource)?, namespace, name, Some(part))),
        [resource] => Some(Place::Collection(kind(resource)?, String::new())),
        _ => None,
    }
}

/// The parameters after the question mark.
pub(super) fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (*first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (plain, _) => {
                bytes.push(plain);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_what_they_name() {
        let Some(Place::Object(key, part)) = place("/apis/apps/v1/namespaces/goimg/deployments/api/status") else {
            panic!("an object");
        };
        assert_eq!(
            (key.kind, key.name.as_str(), part.as_deref()),
            (DEPLOYMENTS, "api", Some("status"))
        );
        assert_eq!(place("/api/v1/pods"), Some(Place::Collection(PODS, String::new())));
        assert_eq!(place("/api/v1/namespaces/x/deployments"), None);
        assert_eq!(query("a=b%3Dc%2C&watch=true&x")["a"], "b=c,");
    }
}
