//! A request, as far as it matters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::route::{self, Place};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Merge,
    Strategic,
    Json,
    Apply,
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, as they were sent.
    pub(super) target: String,
    pub(super) place: Place,
    pub(super) query: BTreeMap<String, String>,
    pub(super) content: Content,
    pub(super) metadata_only: bool,
    /// Who changes something: as it is said, or else the client's name.
    pub(super) manager: String,
    pub(super) token: String,
    pub(super) body: Value,
}

impl Request {
    /// `header` looks a header up. `None` for an address that is not served.
    pub(super) fn read(method: &str, target: &str, header: &dyn Fn(&str) -> String, body: &[u8]) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = route::query(query);
        let client = header("user-agent");
        let client = client.split('/').next().unwrap_or_default().to_owned();
        let content = header("content-type");
        Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            place: route::place(path)?,
            manager: query.get("fieldManager").cloned().unwrap_or(client),
            query,
            content: match content.split(';').next().unwrap_or_default() {
                "application/merge-patch+json" => Content::Merge,
                "application/strategic-merge-patch+json" => Content::Strategic,
                "application/json-patch+json" => Content::Json,
                "application/apply-patch+yaml" => Content::Apply,
                _ => Content::Other,
            },
            metadata_only: header("accept").contains("as=PartialObjectMetadata"),
            token: header("authorization").trim_start_matches("Bearer ").to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        })
    }

    pub(super) fn is_watch(&self) -> bool {
        let watches = self
            .query
            .get("watch")
            .is_some_and(|watch| watch == "true" || watch == "1");
        watches && self.method == "GET" && matches!(self.place, Place::Collection(..))
    }

    /// The verb and the resource of the API's access rules.
    pub(super) fn verb(&self) -> (String, String) {
        let resource = match &self.place {
            Place::Collection(kind, _) => kind.resource,
            Place::Object(key, _) => key.kind.resource,
            Place::AccessReview => "selfsubjectaccessreviews",
        };
        let verb = match (self.method.as_str(), &self.place) {
            ("GET", _) if self.is_watch() => "watch",
            ("GET", Place::Collection(..)) => "list",
            ("GET", _) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            _ => "delete",
        };
        (verb.to_owned(), resource.to_owned())
    }
}

/// The object's metadata alone, where that was asked for.
pub(super) fn partial(object: Value) -> Value {
    let is_object = object["metadata"]["uid"].is_string();
    match is_object {
        true => serde_json::json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
        false => object,
    }
}
