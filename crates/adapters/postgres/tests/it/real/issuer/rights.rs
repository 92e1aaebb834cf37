//! What the rotator needs, and what it is told when it has less.

use keywheel_domain::ports::{ErrorKind, Issuer, Severity};
use serde_json::json;

use super::company::{ROTATOR, adopted, company, issuer, issuer_of, next, staged};

#[tokio::test]
async fn a_rotator_without_rights_is_told_each_statement_that_gives_them() {
    let server = company().await;
    let taken = format!(
        "ALTER ROLE {ROTATOR} NOCREATEROLE; REVOKE pg_signal_backend, pg_read_all_stats FROM {ROTATOR}; \
         REVOKE SELECT ON pg_hba_file_rules FROM {ROTATOR}"
    );
    server.sql(&taken).await;
    let issuer = issuer(server.port(), json!({ "terminate_sessions": true }));
    let new = next(&issuer, &adopted()).await;
    assert_eq!(issuer.stage(&new).await.unwrap_err().kind, ErrorKind::Forbidden);
    let findings = issuer.preflight(Some(&adopted())).await.unwrap();
    let lacking: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Fine)
        .collect();
    assert_eq!(lacking.len(), 4, "{findings:?}");
    for finding in lacking {
        // The last one is advice before it is statements.
        let statements = finding
            .fix
            .rsplit_once("checked: ")
            .map_or(finding.fix.as_str(), |(_, fix)| fix);
        server.sql(statements).await;
    }
    let findings = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        findings.iter().all(|finding| finding.severity == Severity::Fine),
        "{findings:?}"
    );
    staged(&issuer, &adopted()).await;
}

#[tokio::test]
async fn a_rotator_whose_password_is_wrong_is_no_refusal_of_the_version() {
    let server = company().await;
    server
        .sql(&format!("ALTER ROLE {ROTATOR} PASSWORD 'another one'"))
        .await;
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    let refused = issuer.stage(&new).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    assert!(refused.chain().contains("28P01"), "{}", refused.chain());
    // What it does not need the rotator for goes on.
    issuer.prove(&adopted()).await.unwrap();
}

#[tokio::test]
async fn a_setting_that_the_rotator_may_not_give_is_named_with_the_statement_that_lets_it() {
    let server = company().await;
    server
        .sql("ALTER ROLE goimg SET \"app.tenant\" TO '7'; ALTER ROLE goimg SET log_duration TO on")
        .await;
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    assert_eq!(issuer.stage(&new).await.unwrap_err().kind, ErrorKind::Forbidden);
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    let fixes: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Blocker)
        .map(|finding| &finding.fix)
        .collect();
    assert_eq!(fixes.len(), 2, "{found:?}");
    for fix in fixes {
        server.sql(fix).await;
    }
    issuer.stage(&new).await.unwrap();
    let kept = "SELECT cardinality(setconfig) FROM pg_db_role_setting WHERE setrole = 'goimg_a'::regrole";
    assert_eq!(server.sql(kept).await, "3");
}

#[tokio::test]
async fn superusers_are_not_changed() {
    let server = company().await;
    server.sql("ALTER ROLE goimg SUPERUSER").await;
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    assert_eq!(issuer.stage(&new).await.unwrap_err().kind, ErrorKind::Invalid);
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.severity == Severity::Blocker && finding.fix.contains("NOSUPERUSER"))
    );
}

#[tokio::test]
async fn a_line_of_pg_hba_that_names_the_role_alone_blocks() {
    let server = company().await;
    let add = "cat \"$PGDATA/pg_hba.conf\" > /tmp/hba; \
        { echo 'host postgres goimg 10.0.0.0/8 scram-sha-256'; cat /tmp/hba; } > \"$PGDATA/pg_hba.conf\"";
    server.execute(&["sh", "-c", add]).await;
    server.sql("SELECT pg_reload_conf()").await;
    let issuer = issuer(server.port(), json!({}));
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    let blocker = found
        .iter()
        .find(|finding| finding.severity == Severity::Blocker)
        .unwrap();
    assert!(
        blocker
            .detail
            .contains("line 1 lets goimg in by its name, and not goimg_a"),
        "{blocker:?}"
    );
    let mend = "sed -i 's/postgres goimg 10/postgres +goimg 10/' \"$PGDATA/pg_hba.conf\"";
    server.execute(&["sh", "-c", mend]).await;
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Fine),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_login_that_should_be_gone_is_found_and_one_that_is_used_blocks() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let second = staged(&issuer, &adopted()).await;
    // As if the inventory had been lost: what is in use is said to be the adopted role.
    let severity = async || {
        let found = issuer.preflight(Some(&adopted())).await.unwrap();
        let about = found.iter().filter(|finding| finding.subject == "role goimg_a");
        about.map(|finding| finding.severity).max().unwrap()
    };
    assert_eq!(severity().await, Severity::Warning);
    let session = super::company::connect(server.port(), &second, "somebody")
        .await
        .unwrap();
    assert_eq!(severity().await, Severity::Blocker);
    drop(session);
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_named_with_what_makes_it() {
    let server = company().await;
    let mut config = super::company::config(server.port(), json!({}));
    config.role = "shop".parse().unwrap();
    let issuer = issuer_of(config);
    let found = issuer.preflight(None).await.unwrap();
    let blocker = found
        .iter()
        .find(|finding| finding.severity == Severity::Blocker)
        .unwrap();
    server.sql(&blocker.fix).await;
    let found = issuer.preflight(None).await.unwrap();
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Fine),
        "{found:?}"
    );
}
