//! Lists, watches, metadata alone, and questions about rights.

use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use super::{MERGE, Place, version, with_place};

async fn names(place: &Place, query: &str) -> Vec<String> {
    let list = place.get(&format!("{}?{query}", place.secrets())).await;
    let items = list["items"].as_array().unwrap().iter();
    // Clusters make Secrets of their own in every namespace.
    let ours = items
        .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
        .filter(|name| name.len() == 1);
    ours.collect()
}

#[tokio::test]
async fn lists_are_selected_by_labels_and_by_name() {
    with_place(async |place| {
        for (name, app) in [("a", "api"), ("b", "api"), ("c", "worker")] {
            let object = json!({"metadata": {"name": name, "labels": {"app": app}}});
            place.send("POST", &place.secrets(), "application/json", &object).await;
        }
        assert_eq!(names(place, "labelSelector=app%3Dapi").await, ["a", "b"]);
        assert_eq!(names(place, "labelSelector=app%20in%20%28worker%29%2Capp").await, ["c"]);
        assert_eq!(names(place, "labelSelector=app%21%3Dapi").await, ["c"]);
        assert_eq!(names(place, "fieldSelector=metadata.name%3Db").await, ["b"]);
    })
    .await;
}

/// Reads so many events of a watch.
async fn watched(place: &Place, since: &str, count: usize) -> Vec<(String, String)> {
    let path = format!(
        "{}?watch=true&resourceVersion={since}&timeoutSeconds=20",
        place.secrets()
    );
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let mut body = place.client.send(request).await.unwrap().into_body();
    let (mut text, mut events) = (Vec::new(), Vec::new());
    while events.len() < count {
        text.extend_from_slice(body.frame().await.unwrap().unwrap().data_ref().unwrap());
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).unwrap();
            let name = event["object"]["metadata"]["name"].as_str().unwrap().to_owned();
            if name == "a" {
                events.push((event["type"].as_str().unwrap().to_owned(), name));
            }
        }
    }
    events
}

#[tokio::test]
async fn a_watch_tells_everything_since_the_version_of_a_list() {
    with_place(async |place| {
        let list = place.get(&place.secrets()).await;
        place.secret("a", &json!({})).await;
        let path = format!("{}/a", place.secrets());
        place.send("PATCH", &path, MERGE, &json!({"data": {"x": "YQ=="}})).await;
        place.send("DELETE", &path, "application/json", &json!({})).await;
        let told = watched(place, version(&list), 3).await;
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED"]);
    })
    .await;
}

#[tokio::test]
async fn metadata_alone_holds_no_material() {
    with_place(async |place| {
        place.secret("a", &json!({"x": "YQ=="})).await;
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        let request = Request::builder()
            .uri(format!("{}/a", place.secrets()))
            .header("accept", accept);
        let response = place.client.send(request.body(Body::empty()).unwrap()).await.unwrap();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        let object: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(object["kind"], "PartialObjectMetadata");
        assert!(
            object["data"].is_null() && object["metadata"]["managedFields"].is_array(),
            "{object}"
        );
    })
    .await;
}

#[tokio::test]
async fn rights_can_be_asked_for() {
    with_place(async |place| {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": place.namespace, "verb": "get", "resource": "secrets"}},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let (code, answer) = place.send("POST", path, "application/json", &review).await;
        assert_eq!((code, &answer["status"]["allowed"]), (201, &json!(true)), "{answer}");
    })
    .await;
}
