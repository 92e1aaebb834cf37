//! Versions, uids and what a stale one is answered with.

use serde_json::{Value, json};

use super::{JSON_PATCH, MERGE, reason, version, with_place};

#[tokio::test]
async fn what_is_made_has_a_uid_and_a_version_and_is_made_once() {
    with_place(async |place| {
        let made = place.secret("db", &json!({"a": "YQ=="})).await;
        assert!(!version(&made).is_empty() && made["metadata"]["uid"].is_string());
        let again = json!({"metadata": {"name": "db"}});
        let (code, answer) = place.send("POST", &place.secrets(), "application/json", &again).await;
        assert_eq!((code, reason(&answer)), (409, "AlreadyExists"));
        let (code, answer) = place
            .send("GET", &format!("{}/none", place.secrets()), "", &Value::Null)
            .await;
        assert_eq!((code, reason(&answer)), (404, "NotFound"));
    })
    .await;
}

#[tokio::test]
async fn a_put_with_a_stale_version_is_a_conflict_and_one_without_is_a_lost_update() {
    with_place(async |place| {
        let path = format!("{}/db", place.secrets());
        let old = place.secret("db", &json!({"a": "YQ=="})).await;
        let mut newer = old.clone();
        newer["data"]["a"] = json!("Yg==");
        let (code, _) = place.send("PUT", &path, "application/json", &newer).await;
        assert_eq!(code, 200);
        let (code, answer) = place.send("PUT", &path, "application/json", &old).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
        let careless = json!({"metadata": {"name": "db"}, "data": {"a": "Yw=="}});
        let (code, answer) = place.send("PUT", &path, "application/json", &careless).await;
        assert_eq!((code, &answer["data"]["a"]), (200, &json!("Yw==")));
        assert_ne!(version(&answer), version(&newer));
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_and_made_anew_is_another_object() {
    with_place(async |place| {
        let path = format!("{}/db", place.secrets());
        let old = place.secret("db", &json!({"a": "YQ=="})).await;
        let stale = json!({"preconditions": {"resourceVersion": "1"}});
        let (code, answer) = place.send("DELETE", &path, "application/json", &stale).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
        let (code, _) = place.send("DELETE", &path, "application/json", &json!({})).await;
        assert_eq!(code, 200);
        let new = place.secret("db", &json!({"a": "YQ=="})).await;
        assert_ne!(new["metadata"]["uid"], old["metadata"]["uid"]);
        let (code, answer) = place.send("PUT", &path, "application/json", &old).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
    })
    .await;
}

#[tokio::test]
async fn a_patch_is_checked_where_it_names_a_version() {
    with_place(async |place| {
        let path = format!("{}/db", place.secrets());
        let made = place.secret("db", &json!({"a": "YQ=="})).await;
        let nothing = json!({"data": {"a": "YQ=="}});
        let (_, same) = place.send("PATCH", &path, MERGE, &nothing).await;
        assert_eq!(version(&same), version(&made), "a patch that changes nothing");
        let (_, changed) = place.send("PATCH", &path, MERGE, &json!({"data": {"a": "Yg=="}})).await;
        assert_ne!(version(&changed), version(&made));
        let stale = json!({"metadata": {"resourceVersion": version(&made)}, "data": {"a": "Yw=="}});
        let (code, answer) = place.send("PATCH", &path, MERGE, &stale).await;
        assert_eq!((code, reason(&answer)), (409, "Conflict"));
        let test = json!([{"op": "test", "path": "/data/a", "value": "YQ=="}]);
        let (code, answer) = place.send("PATCH", &path, JSON_PATCH, &test).await;
        assert_eq!((code, reason(&answer)), (422, "Invalid"));
    })
    .await;
}
