//! `keywheel purge-sessions` on a real server.

use keywheel_domain::ports::AuditLog;
use keywheel_sqlite::Sqlite;
use keywheel_testkit::containers::Redis;
use keywheel_tests::folder::Folder;

const CONFIG: &str = r#"
[key]
file = "keywheel.key"

[[credential]]
name = "goimg/redis"
kind = "redis_password"

[credential.issuer]
user = "goimg"
nodes = ["127.0.0.1:@PORT@"]
admin_user = "keywheel"
admin_password_file = "admin-password"

[credential.policy]
period = "3 months"

[[credential.store]]
kind = "files"
folder = "shown"

[[credential.store.file]]
path = "password"
template = "{{ primary.password }}"
"#;
const SESSIONS: usize = 1_200;
const PURGE: [&str; 6] = [
    "purge-sessions",
    "goimg/redis",
    "--prefix",
    "session:",
    "--reason",
    "SEC-2026-0042",
];

async fn with_sessions() -> (Redis, Folder) {
    let server = Redis::start().await;
    let folder = Folder::make(&CONFIG.replace("@PORT@", &server.port().to_string()), &[]).unwrap();
    folder
        .write("admin-password", "the-password-of-the-administrator")
        .unwrap();
    let rights =
        "-@all +scan +unlink +select +acl|list +cluster|nodes +info +time +ping +client|id +client|setname ~session:*";
    let rights = format!("ACL SETUSER keywheel on >the-password-of-the-administrator {rights}");
    assert!(server.ask(&rights).await.contains("OK"));
    for prefix in ["session", "cache"] {
        let keys: String = (0..SESSIONS).map(|number| format!(" {prefix}:{number} x")).collect();
        assert!(server.ask(&format!("MSET{keys}")).await.contains("OK"));
    }
    (server, folder)
}

async fn keys(server: &Redis) -> String {
    server.ask("DBSIZE").await.trim().to_owned()
}

#[tokio::test]
async fn sessions_go_and_nothing_else_and_it_is_on_record() {
    let (server, folder) = with_sessions().await;
    let counted = folder.works(&[&PURGE[..], &["--dry-run"]].concat());
    assert!(
        counted.out.contains("1200 keys begin with \"session:\""),
        "{}",
        counted.out
    );
    assert!(!folder.path("keywheel.db").exists(), "a dry run leaves nothing behind");
    assert_eq!(keys(&server).await, ":2400");
    let unasked = folder.keywheel(&PURGE);
    assert_eq!(unasked.code, Some(2), "{}", unasked.err);
    assert_eq!(keys(&server).await, ":2400");
    let purged = folder.works(&[&PURGE[..], &["--yes", "--json"]].concat());
    assert!(purged.out.contains("\"deleted\":1200"), "{}", purged.out);
    assert_eq!(keys(&server).await, ":1200");
    // Repeating it is no error, and a record of its own.
    folder.works(&[&PURGE[..], &["--yes"]].concat());
    folder.works(&["audit", "verify"]);
    let log = Sqlite::open_existing(&folder.path("keywheel.db")).await.unwrap();
    let records = log.read().await.unwrap();
    let events: Vec<_> = records.iter().map(|record| record.event().unwrap()).collect();
    assert_eq!(events.len(), 4);
    assert!(
        events
            .iter()
            .all(|event| event.event == "session_purge" && event.reason == "SEC-2026-0042")
    );
    assert_eq!(events[1].success, Some(true));
    assert!(
        events[1].evidence[0].detail.contains("1200 keys deleted"),
        "{:?}",
        events[1]
    );
}

#[tokio::test]
async fn a_purge_that_reached_its_limit_or_was_refused_is_no_success() {
    let (server, folder) = with_sessions().await;
    let stopped = folder.keywheel(&[&PURGE[..], &["--yes", "--limit", "700"]].concat());
    assert_eq!(stopped.code, Some(1));
    assert!(stopped.err.contains("--limit 700 was reached"), "{}", stopped.err);
    assert_eq!(keys(&server).await, ":1700");
    assert!(server.ask("ACL SETUSER keywheel -unlink").await.contains("OK"));
    let refused = folder.keywheel(&[&PURGE[..], &["--yes"]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("unlink"), "{}", refused.err);
    assert_eq!(keys(&server).await, ":1700");
    let shown = folder.works(&["audit", "show", "--json"]).out;
    let failed = shown.matches("\"success\":false").count();
    assert_eq!(failed, 2, "{shown}");
}
