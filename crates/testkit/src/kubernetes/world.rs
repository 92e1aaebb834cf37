//! What requests do to the objects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::controller::Controllers;
use super::fault::Fault;
use super::fields::Ownership;
use super::objects::Objects;
use super::patch;
use super::request::{Content, Request};
use super::route::{DEPLOYMENTS, Key, Kind, PODS, Place, SECRETS};
use super::secret;
use super::selector::Selector;
use super::status::{Answer, Refusal, already_exists, bad_request, conflict, failure, invalid, not_found};

/// The state of a cluster.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) objects: Objects,
    owners: BTreeMap<Key, Ownership>,
    pub(super) faults: Vec<Fault>,
    /// Verbs on resources that the caller may not use.
    pub(super) denied: BTreeSet<(String, String)>,
    /// The bearer token that is accepted.
    pub(super) token: String,
    /// What was asked, in order.
    pub(super) requests: Vec<String>,
    /// What Pods have printed.
    pub(super) logs: BTreeMap<(String, String), String>,
    pub(super) controllers: Controllers,
}

impl World {
    pub(super) fn new(now: Timestamp, token: &str) -> Self {
        Self {
            now,
            objects: Objects::default(),
            owners: BTreeMap::new(),
            faults: Vec::new(),
            denied: BTreeSet::new(),
            token: token.to_owned(),
            requests: Vec::new(),
            logs: BTreeMap::new(),
            controllers: Controllers::default(),
        }
    }

    /// Answers everything but a watch, which the server streams.
    pub(super) fn answer(&mut self, request: &Request) -> Result<Answer, Refusal> {
        match (&request.place, request.method.as_str()) {
            (Place::AccessReview, "POST") => Ok(self.review(&request.body)),
            (Place::Collection(kind, namespace), "GET") => self.list(*kind, namespace, request),
            (Place::Collection(kind, namespace), "POST") => self.create(*kind, namespace, request),
            (Place::Object(key, None), "GET") => self.read(key),
            (Place::Object(key, Some(part)), "GET") if part == "log" => self.log_of(key),
            (Place::Object(key, part), "PUT") => self.replace(key, part.as_deref(), request),
            (Place::Object(key, part), "PATCH") => self.patch(key, part.as_deref(), request),
            (Place::Object(key, None), "DELETE") => self.delete(key, request),
            _ => Err(failure(
                405,
                "MethodNotAllowed",
                "the server does not allow this method",
                json!({}),
            )),
        }
    }

    fn review(&self, review: &Value) -> Answer {
        let asked = &review["spec"]["resourceAttributes"];
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let allowed = !self.denied.contains(&(text("verb"), text("resource")));
        let mut answer = review.clone();
        answer["status"] = json!({"allowed": allowed});
        Answer::of(201, answer)
    }

    fn list(&self, kind: Kind, namespace: &str, request: &Request) -> Result<Answer, Refusal> {
        let selector = Selector::of(&request.query)?;
        let wanted = |key: &Key| key.kind == kind && (namespace.is_empty() || key.namespace == namespace);
        let found = self
            .objects
            .iter()
            .filter(|(key, object)| wanted(key) && selector.takes(object));
        let items: Vec<Value> = found.map(|(_, object)| object.clone()).collect();
        Ok(Answer::of(
            200,
            json!({
                "kind": format!("{}List", kind.name), "apiVersion": kind.version,
                "metadata": {"resourceVersion": self.objects.version().to_string()}, "items": items,
            }),
        ))
    }

    fn read(&self, key: &Key) -> Result<Answer, Refusal> {
        self.found(key).map(|object| Answer::of(200, object.clone()))
    }

    fn found(&self, key: &Key) -> Result<&Value, Refusal> {
        self.objects
            .get(key)
            .ok_or_else(|| not_found(key.kind.resource, &key.name))
    }

    fn log_of(&self, key: &Key) -> Result<Answer, Refusal> {
        self.found(key)?;
        let log = self.logs.get(&(key.namespace.clone(), key.name.clone()));
        Ok(Answer::of(200, Value::from(log.cloned().unwrap_or_default())))
    }

    fn create(&mut self, kind: Kind, namespace: &str, request: &Request) -> Result<Answer, Refusal> {
        let name = request.body["metadata"]["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(invalid(
                "",
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        let key = Key {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        if self.objects.get(&key).is_some() {
            return Err(already_exists(kind.resource, name));
        }
        let mut object = request.body.clone();
        if let Some(object) = object.as_object_mut() {
            object.remove("status");
        }
        settle(kind, &mut object);
        let mut owners = Ownership::default();
        owners.changed(&request.manager, &Value::Null, &object);
        self.write(&key, Value::Null, object, owners)
            .map(|object| Answer::of(201, object))
    }

    fn replace(&mut self, key: &Key, part: Option<&str>, request: &Request) -> Result<Answer, Refusal> {
        let before = self.found(key)?.clone();
        check_versions(key, &before, &request.body["metadata"])?;
        self.change(key, part, before, request.body.clone(), &request.manager)
    }

    fn change(
        &mut self,
        key: &Key,
        part: Option<&str>,
        before: Value,
        after: Value,
        by: &str,
    ) -> Result<Answer, Refusal> {
        let mut after = only_part(key, part, &before, after)?;
        settle(key.kind, &mut after);
        let mut owners = self.owners.get(key).cloned().unwrap_or_default();
        owners.changed(by, &before, &after);
        self.write(key, before, after, owners)
            .map(|object| Answer::of(200, object))
    }

    fn patch(&mut self, key: &Key, part: Option<&str>, request: &Request) -> Result<Answer, Refusal> {
        if request.content == Content::Apply {
            return self.apply(key, request);
        }
        let before = self.found(key)?.clone();
        let mut after = before.clone();
        match request.content {
            Content::Merge => patch::merge(&mut after, &request.body),
            Content::Strategic => patch::strategic(&mut after, &request.body),
            Content::Json => patch::json(&mut after, &request.body, &key.name)?,
            Content::Apply | Content::Other => {
                return Err(failure(
                    415,
                    "UnsupportedMediaType",
                    "the body of the request was in an unknown format",
                    json!({}),
                ));
            }
        }
        check_versions(key, &before, &request.body["metadata"])?;
        self.change(key, part, before, after, &request.manager)
    }

    /// Server-side apply, of Secrets alone: ownership is kept for no other kind, so it is refused there.
    fn apply(&mut self, key: &Key, request: &Request) -> Result<Answer, Refusal> {
        if key.kind != SECRETS {
            return Err(failure(
                415,
                "UnsupportedMediaType",
                "only Secrets can be applied here",
                json!({}),
            ));
        }
        if !request.query.contains_key("fieldManager") {
            return Err(bad_request(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            ));
        }
        let before = self.objects.get(key).cloned().unwrap_or_default();
        let code = if before.is_null() { 201 } else { 200 };
        if before.is_null() && !request.body["metadata"]["resourceVersion"].is_null() {
            return Err(conflict(key.kind.resource, &key.name));
        }
        check_versions(key, &before, &request.body["metadata"])?;
        let mut object = before.clone();
        if before.is_null() {
            object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": key.name}});
        }
        let mut owners = self.owners.get(key).cloned().unwrap_or_default();
        let force = request.query.get("force").is_some_and(|force| force == "true");
        owners.apply(&request.manager, &request.body, &mut object, force)?;
        self.write(key, before, object, owners)
            .map(|object| Answer::of(code, object))
    }

    /// Everything that is true of every write: names, versions, generations, checks.
    fn write(&mut self, key: &Key, before: Value, mut after: Value, owners: Ownership) -> Result<Value, Refusal> {
        if key.kind == SECRETS {
            settle(key.kind, &mut after);
            secret::check(&key.name, &before, &after)?;
        }
        let created = json!(self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let uid = if before.is_null() {
            json!(self.objects.next_uid())
        } else {
            before["metadata"]["uid"].clone()
        };
        after["kind"] = json!(key.kind.name);
        after["apiVersion"] = json!(key.kind.version);
        let metadata = &mut after["metadata"];
        metadata["name"] = json!(key.name);
        if !key.namespace.is_empty() {
            metadata["namespace"] = json!(key.namespace);
        }
        metadata["uid"] = uid;
        metadata["creationTimestamp"] = if before.is_null() {
            created
        } else {
            before["metadata"]["creationTimestamp"].clone()
        };
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        if key.kind == SECRETS {
            metadata["managedFields"] = owners.managed_fields();
        }
        if key.kind.works {
            after["metadata"]["generation"] = json!(generation(key.kind, &before, &after));
        }
        self.owners.insert(key.clone(), owners);
        Ok(self.objects.put(key.clone(), after))
    }

    fn delete(&mut self, key: &Key, request: &Request) -> Result<Answer, Refusal> {
        let mut object = self.found(key)?.clone();
        check_versions(key, &object, &request.body["preconditions"])?;
        let grace = request.body["gracePeriodSeconds"].as_i64();
        let grace = grace.or_else(|| request.query.get("gracePeriodSeconds")?.parse().ok());
        let grace = grace.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64());
        match grace.filter(|grace| *grace > 0 && key.kind == PODS) {
            Some(grace) if object["metadata"]["deletionTimestamp"].is_null() => {
                let end = self.now.as_second() + grace;
                let end = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
                object["metadata"]["deletionTimestamp"] = json!(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
                object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
                Ok(Answer::of(200, self.objects.put(key.clone(), object)))
            }
            Some(_) => Ok(Answer::of(200, object)),
            None => {
                self.forget(key);
                Ok(Answer::of(
                    200,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
                ))
            }
        }
    }

    fn forget(&mut self, key: &Key) {
        self.objects.remove(key);
        self.owners.remove(key);
        if key.kind == super::route::NAMESPACES {
            let inside: Vec<Key> = self.objects.iter().map(|(inner, _)| inner.clone()).collect();
            inside
                .iter()
                .filter(|inner| inner.namespace == key.name)
                .for_each(|inner| self.forget(inner));
        }
    }
}

/// What a write makes of a Secret before anybody owns a field of it.
fn settle(kind: Kind, object: &mut Value) {
    if kind == SECRETS {
        secret::settle(object);
        if object["type"].is_null() {
            object["type"] = json!("Opaque");
        }
    }
}

/// Who sends a version or a uid means exactly that object.
fn check_versions(key: &Key, live: &Value, sent: &Value) -> Result<(), Refusal> {
    for name in ["resourceVersion", "uid"] {
        let sent = sent[name].as_str().unwrap_or_default();
        if !live.is_null() && !sent.is_empty() && live["metadata"][name] != sent {
            return Err(conflict(key.kind.resource, &key.name));
        }
    }
    Ok(())
}

/// The status is written apart from everything else.
fn only_part(key: &Key, part: Option<&str>, before: &Value, mut after: Value) -> Result<Value, Refusal> {
    match part {
        None if key.kind.works => {
            after["status"] = before["status"].clone();
            Ok(after)
        }
        None => Ok(after),
        Some("status") => {
            let mut object = before.clone();
            object["status"] = after["status"].take();
            Ok(object)
        }
        Some(_) => Err(not_found(key.kind.resource, &key.name)),
    }
}

/// Raised by what changes the specification; for a Deployment by its own annotations, too.
fn generation(kind: Kind, before: &Value, after: &Value) -> i64 {
    let Some(known) = before["metadata"]["generation"].as_i64() else {
        return 1;
    };
    let annotations = kind == DEPLOYMENTS && before["metadata"]["annotations"] != after["metadata"]["annotations"];
    known + i64::from(annotations || before["spec"] != after["spec"])
}
