//! Patches, generations, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{JSON_PATCH, MERGE, Place, STRATEGIC, reason, with_place};

#[tokio::test]
async fn containers_are_merged_by_name_and_lists_are_replaced() {
    with_place(async |place| {
        place.deployment("api").await;
        let path = format!("{}/api", place.deployments());
        let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "c"}]}}}});
        let (code, answer) = place.send("PATCH", &path, STRATEGIC, &image).await;
        assert_eq!(code, 200, "{answer}");
        let containers = &answer["spec"]["template"]["spec"]["containers"];
        assert_eq!(
            (containers.as_array().unwrap().len(), &containers[0]["image"]),
            (2, &json!("c"))
        );
        let (code, answer) = place.send("PATCH", &path, MERGE, &image).await;
        assert_eq!(code, 200, "{answer}");
        assert_eq!(
            answer["spec"]["template"]["spec"]["containers"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_json_patch_changes_one_name_in_a_template() {
    with_place(async |place| {
        place.deployment("api").await;
        let path = format!("{}/api", place.deployments());
        let name = "/spec/template/spec/containers/1/env/0/valueFrom/secretKeyRef/name";
        let steps = json!([
            {"op": "test", "path": name, "value": "db"},
            {"op": "replace", "path": name, "value": "db-r1"},
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"keywheel.dev/a": "r1 u/1"}},
        ]);
        let (code, answer) = place.send("PATCH", &path, JSON_PATCH, &steps).await;
        assert_eq!(code, 200, "{answer}");
        assert_eq!(answer.pointer(name), Some(&json!("db-r1")));
        let (code, answer) = place.send("PATCH", &path, JSON_PATCH, &steps).await;
        assert_eq!((code, reason(&answer)), (422, "Invalid"));
    })
    .await;
}

async fn generation(place: &Place, method: (&str, &str, &str), patch: &Value) -> i64 {
    let (verb, part, content) = method;
    let path = format!("{}/api{part}", place.deployments());
    let (code, answer) = place.send(verb, &path, content, patch).await;
    assert_eq!(code, 200, "{answer}");
    answer["metadata"]["generation"].as_i64().unwrap()
}

#[tokio::test]
async fn a_generation_is_raised_by_specifications_and_annotations_alone() {
    with_place(async |place| {
        let made = place.deployment("api").await;
        assert_eq!(made["metadata"]["generation"], 1);
        let patch = ("PATCH", "", MERGE);
        let labels = json!({"metadata": {"labels": {"x": "y"}}});
        let first = generation(place, patch, &labels).await;
        let status = json!({"status": {"observedGeneration": 1}});
        assert_eq!(generation(place, ("PATCH", "/status", MERGE), &status).await, first);
        assert_eq!(
            generation(place, patch, &status).await,
            first,
            "a status is not written with the rest"
        );
        let second = generation(place, patch, &json!({"spec": {"minReadySeconds": 1}})).await;
        assert!(second > first);
        let third = generation(place, patch, &json!({"metadata": {"annotations": {"x": "y"}}})).await;
        assert!(third > second);
        let restart =
            json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}}}});
        let fourth = generation(place, patch, &restart).await;
        assert!(fourth > third);
        assert_eq!(generation(place, patch, &restart).await, fourth, "the same again");
    })
    .await;
}

async fn refused(place: &Place, patch: &Value) {
    let (code, answer) = place
        .send("PATCH", &format!("{}/db", place.secrets()), MERGE, patch)
        .await;
    assert_eq!((code, reason(&answer)), (422, "Invalid"), "{patch}");
}

#[tokio::test]
async fn what_a_secret_may_not_become_is_refused() {
    with_place(async |place| {
        place.secret("db", &json!({"a": "YQ=="})).await;
        let large = STANDARD.encode(vec![b'x'; 1_048_577]);
        refused(place, &json!({"data": {"large": large}})).await;
        refused(place, &json!({"type": "example.com/other"})).await;
        let path = format!("{}/db", place.secrets());
        let (code, _) = place.send("PATCH", &path, MERGE, &json!({"immutable": true})).await;
        assert_eq!(code, 200);
        refused(place, &json!({"data": {"a": "Yg=="}})).await;
        refused(place, &json!({"immutable": false})).await;
        let labels = json!({"metadata": {"labels": {"still": "free"}}});
        let (code, _) = place.send("PATCH", &path, MERGE, &labels).await;
        assert_eq!(code, 200);
    })
    .await;
}
