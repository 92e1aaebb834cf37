//! A Secret among others who write it, and on a server that is in trouble.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use keywheel_domain::ports::{Delivery, Effect, ErrorKind, Retry, SecretStore, Severity};
use keywheel_testkit::contract::secret_store::{delivery, view};
use keywheel_testkit::kubernetes::Mishap;
use serde_json::json;

use crate::support::{SECRETS, USUAL, company, deliver};

#[tokio::test]
async fn a_delivery_is_in_data_with_its_marks_and_without_material_in_them() {
    let company = company().await;
    let view = view(1, 1, &[1]);
    deliver(&company.store(USUAL), &view, None).await.unwrap();
    let secret = company.secret();
    assert_eq!(secret["data"]["username"], STANDARD.encode("role-1"));
    let password = delivery(&view).versions[0].material.get("password").unwrap().clone();
    assert_eq!(secret["data"]["password"], STANDARD.encode(password.expose()));
    assert_eq!(secret["metadata"]["labels"]["keywheel.dev/version"], "1");
    assert!(
        secret["metadata"]["annotations"]["keywheel.dev/view"]
            .as_str()
            .unwrap()
            .contains("\"revision\":1")
    );
    assert!(!secret["metadata"].to_string().contains(password.expose_text().unwrap()));
}

#[tokio::test]
async fn what_others_own_in_the_secret_is_left_alone() {
    let company = company().await;
    company.create_secret(json!({"url": "postgres://db"}));
    let store = company.store(USUAL);
    deliver(&store, &view(1, 1, &[1]), None).await.unwrap();
    deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1])))
        .await
        .unwrap();
    assert_eq!(company.secret()["data"]["url"], STANDARD.encode("postgres://db"));
}

#[tokio::test]
async fn keys_of_an_earlier_delivery_that_this_one_lacks_are_removed() {
    let company = company().await;
    let config = format!("{USUAL}[[key]]\nname = 'p{{{{ version.number }}}}'\neach = 'accepted'\ntemplate = 'x'");
    let store = company.store(&config);
    deliver(&store, &view(1, 1, &[1, 2]), None).await.unwrap();
    assert!(!company.secret()["data"]["p1"].is_null());
    deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1, 2])))
        .await
        .unwrap();
    let data = &company.secret()["data"];
    assert!(data["p1"].is_null() && !data["p2"].is_null(), "{data}");
}

/// A rotation says who has the key; an adoption takes it over.
#[tokio::test]
async fn a_key_that_somebody_else_owns_is_a_conflict_that_names_both() {
    let company = company().await;
    company.create_secret(json!({"password": "by hand"}));
    let store = company.store(USUAL);
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry, refused.effect),
        (ErrorKind::Conflict, Retry::Never, Effect::None)
    );
    assert!(
        refused
            .message()
            .contains("`data.password` belongs to `kubectl-create`"),
        "{refused}"
    );
    let finding = store.preflight().await.unwrap().pop().unwrap();
    assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
    let adoption = Delivery {
        rotation: None,
        ..delivery(&view(1, 1, &[1]))
    };
    store.deliver(&adoption, None).await.unwrap();
    deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1])))
        .await
        .unwrap();
}

#[tokio::test]
async fn somebody_who_overwrites_a_key_later_is_noticed_wherever_one_looks() {
    let company = company().await;
    let store = company.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    company.patch_secret(json!({"data": {"password": STANDARD.encode("by hand")}}));
    let read = store.read_back(&delivery(&first).credential).await.unwrap_err();
    let again = deliver(&store, &first, Some(&first)).await.unwrap_err();
    let next = deliver(&store, &view(2, 2, &[2]), Some(&first)).await.unwrap_err();
    for error in [read, again, next] {
        assert_eq!(error.kind, ErrorKind::Conflict);
        let message = error.message();
        assert!(
            message.contains("password") && message.contains("kubectl-patch"),
            "{message}"
        );
    }
    let found = store.preflight().await.unwrap();
    assert!(
        found.iter().any(|finding| finding.severity == Severity::Blocker),
        "{found:?}"
    );
    assert_eq!(company.secret()["data"]["password"], STANDARD.encode("by hand"));
}

/// Whoever changes it between the look and the write wins, and the driver looks again.
#[tokio::test]
async fn a_secret_that_changed_meanwhile_is_not_overwritten() {
    let company = company().await;
    company.create_secret(json!({}));
    let store = company.store(USUAL);
    company.emulator.fail("PATCH", "/secrets/db", Mishap::CutAfter, 1);
    let first = view(1, 1, &[1]);
    let lost = deliver(&store, &first, None).await.unwrap_err();
    assert_eq!(
        (lost.kind, lost.effect),
        (ErrorKind::Unavailable, Effect::Unknown),
        "{lost}"
    );
    // The lost one had happened, and is repeated without harm or another version.
    let before = company.secret();
    deliver(&store, &first, None).await.unwrap();
    assert_eq!(company.secret(), before);
}

#[tokio::test]
async fn a_secret_that_is_deleted_and_made_anew_is_a_conflict() {
    let company = company().await;
    let store = company.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    company
        .emulator
        .act("kubectl", "DELETE", &format!("{SECRETS}/db"), "", &json!({}));
    company.create_secret(json!({}));
    let refused = deliver(&store, &view(2, 2, &[2]), Some(&first)).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::None));
}

#[tokio::test]
async fn a_server_in_trouble_is_an_error_that_says_what_is_known() {
    let company = company().await;
    let store = company.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    let wait = Retry::After(SignedDuration::from_secs(3));
    for (mishap, kind, retry, effect) in [
        (Mishap::Throttled(3), ErrorKind::RateLimited, wait, Effect::None),
        (Mishap::Status(409), ErrorKind::Conflict, Retry::Later, Effect::None),
        (
            Mishap::Status(500),
            ErrorKind::Unavailable,
            Retry::Later,
            Effect::Unknown,
        ),
        (Mishap::CutBefore, ErrorKind::Unavailable, Retry::Later, Effect::Unknown),
    ] {
        company.emulator.fail("PATCH", "/secrets/db", mishap, 1);
        let error = deliver(&store, &first, None).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retry, error.effect),
            (kind, retry, effect),
            "{mishap:?}: {error}"
        );
    }
    deliver(&store, &first, None).await.unwrap();
}

#[tokio::test]
async fn a_login_that_expires_is_read_anew() {
    let company = company().await;
    let store = company.store(USUAL);
    deliver(&store, &view(1, 1, &[1]), None).await.unwrap();
    company.emulator.expire_token();
    let refused = deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1])))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry),
        (ErrorKind::Forbidden, Retry::Later),
        "{refused}"
    );
    company.log_in();
    deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1])))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_missing_right_is_printed_as_a_role() {
    let company = company().await;
    company.emulator.deny("patch", "secrets");
    let store = company.store(USUAL);
    let finding = store.preflight().await.unwrap().remove(0);
    assert_eq!(finding.severity, Severity::Blocker);
    assert!(finding.detail.contains("patch secrets db"), "{finding:?}");
    assert!(
        finding
            .fix
            .contains("resourceNames: [\"db\"]\n  verbs: [\"get\", \"patch\"]"),
        "{}",
        finding.fix
    );
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry), (ErrorKind::Forbidden, Retry::Never));
}

#[tokio::test]
async fn an_immutable_secret_of_somebody_else_is_refused() {
    let company = company().await;
    company.create_secret(json!({}));
    company.patch_secret(json!({"immutable": true}));
    let refused = deliver(&company.store(USUAL), &view(1, 1, &[1]), None)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry, refused.effect),
        (ErrorKind::Invalid, Retry::Never, Effect::None)
    );
    assert!(refused.message().contains("FieldValueInvalid"), "{refused}");
}

#[tokio::test]
async fn a_delivery_costs_two_requests_and_never_reads_material() {
    let company = company().await;
    let store = company.store(USUAL);
    deliver(&store, &view(1, 1, &[1]), None).await.unwrap();
    company.emulator.take_requests();
    deliver(&store, &view(2, 2, &[2]), Some(&view(1, 1, &[1])))
        .await
        .unwrap();
    let requests = company.emulator.take_requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let company = company().await;
    let store = company.store(USUAL);
    let gone = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: [{name: u, user: {}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n";
    std::fs::write(company.folder.join("kubeconfig"), gone).unwrap();
    let error = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry, error.effect),
        (ErrorKind::Unavailable, Retry::Later, Effect::None)
    );
}
