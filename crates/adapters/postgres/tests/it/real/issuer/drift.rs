//! Twins that are not alike.

use keywheel_domain::ports::{ErrorKind, Finding, Issuer, Severity, VersionMaterial};
use keywheel_testkit::containers::Postgres;
use serde_json::json;

use super::company::{adopted, company, connect, issuer, next, staged};

fn blockers(findings: &[Finding]) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocker)
        .collect()
}

/// A company whose twins have both had their turn; with the version in use.
async fn twins() -> (Postgres, keywheel_postgres::PostgresIssuer, VersionMaterial) {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let second = staged(&issuer, &adopted()).await;
    issuer.retire(&adopted()).await.unwrap();
    let third = staged(&issuer, &second).await;
    issuer.retire(&second).await.unwrap();
    (server, issuer, third)
}

#[tokio::test]
async fn a_difference_is_shown_and_refused_until_its_statement_was_run() {
    let (server, issuer, current) = twins().await;
    for (change, undo) in [
        ("ALTER ROLE goimg_b SET work_mem TO '8MB'", None),
        (
            "ALTER ROLE goimg_b IN DATABASE postgres SET search_path TO \"$user\", 'a b', public",
            None,
        ),
        ("ALTER ROLE goimg_b CONNECTION LIMIT 5", None),
        ("ALTER ROLE goimg_b VALID UNTIL '2099-01-01'", None),
        ("GRANT pg_monitor TO goimg_b", None),
        ("ALTER ROLE goimg_a SET work_mem TO '9MB'", None),
        ("ALTER ROLE goimg_a CREATEDB", None),
        (
            "GRANT SELECT ON photos TO goimg_b",
            Some("REVOKE SELECT ON photos FROM goimg_b"),
        ),
    ] {
        server.sql(change).await;
        let new = next(&issuer, &current).await;
        let refused = issuer.stage(&new).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict, "{change}: {refused}");
        assert!(refused.message().contains("not alike"), "{change}: {refused}");
        let found = issuer.preflight(Some(&current)).await.unwrap();
        let blockers = blockers(&found);
        assert_eq!(blockers.len(), 1, "{change}: {found:?}");
        server.sql(undo.unwrap_or(&blockers[0].fix)).await;
        assert_eq!(
            super::drift::blockers(&issuer.preflight(Some(&current)).await.unwrap()).len(),
            0,
            "{change}"
        );
    }
    let new = staged(&issuer, &current).await;
    assert_eq!(new.attributes["username"], "goimg_a");
}

#[tokio::test]
async fn a_refused_switch_has_changed_nothing() {
    let (server, issuer, current) = twins().await;
    server.sql("ALTER ROLE goimg_b SET work_mem TO '8MB'").await;
    let before = server
        .sql("SELECT rolname, rolcanlogin, rolpassword FROM pg_authid ORDER BY 1")
        .await;
    let new = next(&issuer, &current).await;
    issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        server
            .sql("SELECT rolname, rolcanlogin, rolpassword FROM pg_authid ORDER BY 1")
            .await,
        before
    );
    issuer.prove(&current).await.unwrap();
}

#[tokio::test]
async fn a_new_twin_has_the_settings_of_the_adopted_role() {
    let server = company().await;
    let settings = [
        "ALTER ROLE goimg SET search_path TO \"$user\", 'My, \"odd\" one', public",
        "ALTER ROLE goimg SET DateStyle TO 'German'",
        "ALTER ROLE goimg SET \"app.greeting\" TO 'it''s \\ 100%'",
        "GRANT SET ON PARAMETER \"app.greeting\" TO keywheel",
        "ALTER ROLE goimg IN DATABASE postgres SET statement_timeout TO '4s'",
        "ALTER ROLE goimg CONNECTION LIMIT 7 VALID UNTIL '2099-01-01'",
    ];
    server.sql(&settings.join("; ")).await;
    let issuer = issuer(server.port(), json!({}));
    let new = staged(&issuer, &adopted()).await;
    for setting in ["search_path", "DateStyle", "app.greeting", "statement_timeout"] {
        let mut shown = Vec::new();
        for version in [&adopted(), &new] {
            let mut connection = connect(server.port(), version, "test").await.unwrap();
            let asked = sqlx::query_scalar::<_, String>("SELECT current_setting($1)").bind(setting);
            shown.push(asked.fetch_one(&mut connection).await.unwrap());
        }
        // A driver sets some for itself, so they are compared where they are kept, too.
        assert_eq!(shown[0], shown[1], "{setting}");
    }
    let kept = "SELECT count(DISTINCT (setdatabase, array_remove(setconfig, 'role=goimg'))) FROM pg_db_role_setting";
    assert_eq!(server.sql(kept).await, "2");
    let limits = "SELECT DISTINCT rolconnlimit, rolvaliduntil FROM pg_roles WHERE rolname ~ '^goimg'";
    assert_eq!(server.sql(limits).await.lines().count(), 1);
}

#[tokio::test]
async fn a_twin_that_does_not_act_as_the_owner_is_not_proved() {
    let (server, issuer, current) = twins().await;
    server.sql("ALTER ROLE goimg_b RESET role").await;
    let refused = issuer.prove(&current).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(
        refused.message().contains("acts as goimg_b there and not as goimg"),
        "{refused}"
    );
}
