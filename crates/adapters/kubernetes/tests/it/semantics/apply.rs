//! Server-side apply, and who owns what.

use serde_json::{Value, json};

use super::{APPLY, MERGE, Place, reason, version, with_place};

async fn apply(place: &Place, manager: &str, force: bool, keys: &Value) -> (u16, Value) {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": keys});
    send(place, manager, force, &object).await
}

async fn send(place: &Place, manager: &str, force: bool, object: &Value) -> (u16, Value) {
    let path = format!("{}/db?fieldManager={manager}&force={force}", place.secrets());
    place.send("PATCH", &path, APPLY, object).await
}

fn managers(object: &Value, key: &str) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap().iter();
    let owning = entries.filter(|entry| !entry["fieldsV1"]["f:data"][format!("f:{key}")].is_null());
    let mut names: Vec<String> = owning
        .map(|entry| {
            format!(
                "{} {}",
                entry["manager"].as_str().unwrap(),
                entry["operation"].as_str().unwrap()
            )
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_not_there_is_made_and_belongs_to_who_applied_it() {
    with_place(async |place| {
        let (code, made) = apply(place, "keywheel", false, &json!({"a": "YQ=="})).await;
        assert_eq!(code, 201, "{made}");
        assert_eq!(managers(&made, "a"), ["keywheel Apply"]);
        let (code, same) = apply(place, "keywheel", false, &json!({"a": "YQ=="})).await;
        assert_eq!((code, version(&same)), (200, version(&made)));
        let nobody = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}});
        let (code, _) = place
            .send("PATCH", &format!("{}/db", place.secrets()), APPLY, &nobody)
            .await;
        assert_eq!(code, 400, "a manager has to be named");
    })
    .await;
}

#[tokio::test]
async fn another_owners_key_is_a_conflict_that_names_him_unless_the_value_is_the_same() {
    with_place(async |place| {
        place.secret("db", &json!({"a": "YQ==", "b": "Yg=="})).await;
        let (code, answer) = apply(place, "keywheel", false, &json!({"a": "Yw=="})).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
        let cause = &answer["details"]["causes"][0];
        assert_eq!(
            (&cause["reason"], &cause["field"]),
            (&json!("FieldManagerConflict"), &json!(".data.a"))
        );
        assert!(
            cause["message"].as_str().unwrap().contains("conflict with \"other\""),
            "{cause}"
        );
        let (code, shared) = apply(place, "keywheel", false, &json!({"b": "Yg=="})).await;
        assert_eq!(
            (code, managers(&shared, "b")),
            (200, vec!["keywheel Apply".to_owned(), "other Update".to_owned()])
        );
        let (code, taken) = apply(place, "keywheel", true, &json!({"a": "Yw==", "b": "Yg=="})).await;
        assert_eq!((code, managers(&taken, "a")), (200, vec!["keywheel Apply".to_owned()]));
        assert_eq!(taken["data"]["a"], "Yw==");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_left_out_is_removed_unless_somebody_else_owns_it_too() {
    with_place(async |place| {
        place.secret("db", &json!({"shared": "YQ=="})).await;
        apply(place, "keywheel", false, &json!({"shared": "YQ==", "own": "Yg=="})).await;
        let (code, after) = apply(place, "keywheel", false, &json!({"new": "Yw=="})).await;
        assert_eq!((code, &after["data"]), (200, &json!({"shared": "YQ==", "new": "Yw=="})));
    })
    .await;
}

#[tokio::test]
async fn a_plain_write_takes_a_key_without_asking() {
    with_place(async |place| {
        apply(place, "keywheel", false, &json!({"a": "YQ=="})).await;
        let path = format!("{}/db?fieldManager=other", place.secrets());
        let (_, taken) = place.send("PATCH", &path, MERGE, &json!({"data": {"a": "Yg=="}})).await;
        assert_eq!(managers(&taken, "a"), ["other Update"]);
        let (code, _) = apply(place, "keywheel", false, &json!({"a": "Yw=="})).await;
        assert_eq!(code, 409);
    })
    .await;
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_of_another_kind() {
    with_place(async |place| {
        let (_, made) = apply(place, "keywheel", false, &json!({"a": "YQ=="})).await;
        apply(place, "keywheel", false, &json!({"a": "Yg=="})).await;
        let mut object =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "Yw=="}});
        object["metadata"]["resourceVersion"] = json!(version(&made));
        let (code, answer) = send(place, "keywheel", false, &object).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
        let none = json!([]);
        let causes = answer["details"].get("causes").unwrap_or(&none).as_array().unwrap();
        assert!(
            causes.iter().all(|cause| cause["reason"] != "FieldManagerConflict"),
            "{answer}"
        );
    })
    .await;
}

/// Why the adapter never applies it.
#[tokio::test]
async fn string_data_meets_no_owner_of_the_same_key() {
    with_place(async |place| {
        place.secret("db", &json!({"a": "YQ=="})).await;
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"a": "b"},
        });
        let (code, answer) = send(place, "keywheel", false, &object).await;
        assert_eq!((code, &answer["data"]["a"]), (200, &json!("Yg==")), "{answer}");
    })
    .await;
}
