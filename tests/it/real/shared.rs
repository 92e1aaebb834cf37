//! Several processes on one journal.

use std::time::Duration;

use keywheel_testkit::containers::Postgres;
use keywheel_tests::command::Running;
use keywheel_tests::live::postgres::Database;
use keywheel_tests::live::{Login, Server};
use keywheel_tests::many::Many;
use serde_json::Value;

/// That many rotations are due at once.
const DUE: usize = 200;
/// How many of them a process moves at a time: they are all on one server.
const AT_A_TIME: &str = "32";

/// The credentials whose rotations that process completed.
fn completed(process: &Running) -> Vec<String> {
    let events = process.events();
    let completed = events
        .iter()
        .filter(|event| event["event"] == "result" && event["outcome"] == "completed");
    completed
        .filter_map(|event| event["credential"].as_str().map(str::to_owned))
        .collect()
}

fn summary(process: &Running) -> Value {
    let summary = process.events().into_iter().find(|event| event["event"] == "summary");
    summary.unwrap_or_else(|| panic!("it said nothing at its end: {}", process.err()))
}

/// The journal and the audit log have each rotation once, and every login that is shown works.
async fn assert_each_ran_once(many: &Many) {
    assert_eq!(many.wrong().await, Vec::<String>::new());
    many.folder.works(&["audit", "verify"]);
    let database = Database {
        port: many.server.port(),
        name: Postgres::DATABASE.to_owned(),
    };
    for number in 0..DUE {
        let shown = Login::shown(&many.folder.path(format!("shown/{number}/login.json"))).unwrap();
        assert_eq!(shown.username, format!("app{number}"));
        database.connect(&shown).await.unwrap().close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_rotate_what_is_due_and_each_rotation_runs_once() {
    let many = Many::due(DUE).await;
    let run = ["run", "--once", "--json", "--per-server", AT_A_TIME];
    let mut processes = ["one", "other"].map(|name| many.folder.start(name, &run));
    for process in &mut processes {
        let ended = process.ended();
        assert!(ended.success(), "{ended}: {}", process.err());
    }
    let [one, other] = processes.each_ref().map(|process| completed(process).len());
    assert_eq!(one + other, DUE);
    assert!(one > 0 && other > 0, "one did everything: {one} and {other}");
    assert_each_ran_once(&many).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_in_its_hands_is_taken_over_when_its_lease_ends() {
    let many = Many::due(DUE).await;
    let run = ["run", "--json", "--per-server", AT_A_TIME];
    let mut killed = many.folder.start("killed", &run);
    let mut other = many.folder.start("other", &run);
    while many.rested().await < DUE / 10 || many.held_by(killed.id()).await.is_empty() {
        pause().await;
    }
    killed.kill();
    let orphans = many.held_by(killed.id()).await;
    assert!(!orphans.is_empty(), "it had nothing in its hands");
    while many.rested().await < DUE {
        pause().await;
    }
    let ended = other.stop();
    assert!(ended.success(), "{ended}: {}", other.err());
    let by_other = completed(&other);
    for orphan in &orphans {
        assert!(by_other.contains(orphan), "{orphan} was not taken over");
    }
    assert_eq!(summary(&other)["failed"], 0);
    assert_each_ran_once(&many).await;
}

/// Nobody would notice that a driver looks after an empty journal of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_had_is_not_taken_for_an_empty_one() {
    let many = Many::due(0).await;
    let schema = "DROP SCHEMA keywheel CASCADE; CREATE SCHEMA keywheel AUTHORIZATION journal";
    many.server.sql(schema).await;
    let run = many.folder.keywheel(&["run", "--once"]);
    assert_eq!(run.code, Some(4), "{}", run.err);
    assert!(run.err.contains("there is no journal at 127.0.0.1"), "{}", run.err);
    let doctor = many.folder.works(&["doctor"]);
    assert!(
        doctor.out.contains("warning  journal: there is no journal"),
        "{}",
        doctor.out
    );
    std::fs::remove_file(many.folder.path("journal")).unwrap();
    for command in [&["run", "--once"][..], &["list"]] {
        let said = many.folder.keywheel(command);
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(said.err.contains("password file"), "{}", said.err);
    }
    let doctor = many.folder.keywheel(&["doctor"]);
    assert_eq!(doctor.code, Some(10));
    assert!(doctor.out.contains("blocker  journal: "), "{}", doctor.out);
}

#[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
