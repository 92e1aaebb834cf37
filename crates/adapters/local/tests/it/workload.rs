//! Workloads: commands, and reports of instances.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::Revision;
use keywheel_domain::ports::{Effect, ErrorKind, PortError, Retry, Severity, Usage, Workload, WorkloadReport};
use keywheel_domain::version::Attributes;
use keywheel_local::config::WorkloadConfig;
use keywheel_local::{LocalWorkload, Surroundings, SystemClock};
use keywheel_testkit::clock::TestClock;
use keywheel_testkit::contract::workload::view;
use keywheel_testkit::sample::{name, rotation_id, version_id};

use crate::support::surroundings;

fn try_workload(base: &Path, config: &str) -> Result<LocalWorkload, PortError> {
    let config: WorkloadConfig = toml::from_str(config).unwrap();
    let real = Surroundings {
        clock: Arc::new(SystemClock),
        ..surroundings(base)
    };
    LocalWorkload::new(&config, &real)
}

fn workload(base: &Path, config: &str) -> LocalWorkload {
    try_workload(base, config).unwrap()
}

#[tokio::test]
async fn a_command_is_told_what_to_roll_out_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"echo "$KEYWHEEL_ROTATION $KEYWHEEL_CREDENTIAL $KEYWHEEL_REVISION $KEYWHEEL_PRIMARY" > told"#;
    let config = format!("kind = 'command'\nname = 'api'\nroll_out = ['sh', '-c', '{script}']");
    let evidence = workload(folder.path(), &config)
        .roll_out(&rotation_id(1), &name(), &view())
        .await
        .unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("told")).unwrap(),
        format!("{} company/database 1 1\n", rotation_id(1))
    );
    assert_eq!(evidence.detail, "`sh` exited with 0 for r1 (primary 1, accepted 1)");
}

#[tokio::test]
async fn a_command_that_fails_has_an_unknown_effect_and_says_what_it_said_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let config = "kind = 'command'\nname = 'api'\n\
        roll_out = ['sh', '-c', 'echo no such unit: password=hunter2 >&2; exit 5']";
    let failed = workload(folder.path(), config)
        .roll_out(&rotation_id(1), &name(), &view())
        .await
        .unwrap_err();
    assert_eq!(
        (failed.kind, failed.retry, failed.effect),
        (ErrorKind::Unavailable, Retry::Later, Effect::Unknown)
    );
    assert!(
        failed.message().contains("exit status: 5: no such unit: [redacted]"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_command_that_does_not_end_has_an_unknown_effect() {
    let folder = tempfile::tempdir().unwrap();
    let config = "kind = 'command'\nname = 'api'\nroll_out = ['sleep', '600']\ntimeout = '1 ms'";
    let failed = workload(folder.path(), config)
        .roll_out(&rotation_id(1), &name(), &view())
        .await
        .unwrap_err();
    assert_eq!((failed.kind, failed.effect), (ErrorKind::TimedOut, Effect::Unknown));
}

#[tokio::test]
async fn a_command_that_is_not_there_has_no_effect_and_blocks_the_preflight() {
    let folder = tempfile::tempdir().unwrap();
    let workload = workload(
        folder.path(),
        "kind = 'command'\nname = 'api'\nroll_out = ['./missing']",
    );
    let failed = workload.roll_out(&rotation_id(1), &name(), &view()).await.unwrap_err();
    assert_eq!(
        (failed.kind, failed.retry, failed.effect),
        (ErrorKind::Invalid, Retry::Never, Effect::None)
    );
    let findings = workload.preflight().await.unwrap();
    assert_eq!(findings[0].severity, Severity::Blocker, "{findings:?}");
}

#[tokio::test]
async fn a_preflight_command_decides() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        "kind = 'command'\nname = 'api'\nroll_out = ['true']\npreflight = ['sh', '-c', 'echo not now; exit 1']";
    let findings = workload(folder.path(), config).preflight().await.unwrap();
    let blocker = findings
        .iter()
        .find(|found| found.severity == Severity::Blocker)
        .unwrap();
    assert!(blocker.detail.contains("not now"), "{blocker:?}");
}

#[test]
fn reports_come_from_one_place() {
    let folder = tempfile::tempdir().unwrap();
    for report in [
        "",
        "files = ['a']\ncommand = ['b']",
        "command = ['b']\nurl = 'https://c/'",
        "command = []",
    ] {
        let config = format!("kind = 'none'\nname = 'api'\n[report]\n{report}");
        assert_eq!(
            try_workload(folder.path(), &config).unwrap_err().kind,
            ErrorKind::Invalid,
            "{report}"
        );
    }
}

#[tokio::test]
async fn without_a_report_nothing_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let workload = workload(folder.path(), "kind = 'none'\nname = 'api'");
    assert!(matches!(
        workload.report(&name()).await.unwrap(),
        WorkloadReport::Untold(_)
    ));
    assert_eq!(workload.usage(&version_id(1), &kid()).await.unwrap(), Usage::Untold);
    assert_eq!(workload.preflight().await.unwrap()[0].severity, Severity::Warning);
}

fn kid() -> Attributes {
    Attributes::from([("kid".to_owned(), "old".to_owned())])
}

const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Two instances that write their reports, on a clock that the test moves.
struct Fleet {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    workload: LocalWorkload,
}

fn fleet() -> Fleet {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::starting_at(NOW);
    let config = "kind = 'none'\nname = 'api'\nreport.files = ['reports/*.json']\nreport.stale_after = '30 s'";
    let config: WorkloadConfig = toml::from_str(config).unwrap();
    let surroundings = Surroundings {
        base: folder.path().to_owned(),
        clock: Arc::clone(&clock) as _,
    };
    fs::create_dir(folder.path().join("reports")).unwrap();
    let workload = LocalWorkload::new(&config, &surroundings).unwrap();
    Fleet {
        folder,
        clock,
        workload,
    }
}

impl Fleet {
    fn report(&self, instance: &str, revision: u64, uses: u64, second: i64) {
        let at = NOW.as_second() + second;
        let text = format!(
            r#"{{"instance":"{instance}","credential":"company/database","revision":{revision},"reported_at":{at},
               "verifications":{{"old":{uses}}}}}"#
        );
        fs::write(self.folder.path().join(format!("reports/{instance}.json")), text).unwrap();
    }

    async fn revisions(&self) -> Vec<(String, Option<Revision>)> {
        match self.workload.report(&name()).await.unwrap() {
            WorkloadReport::Instances(found) => found.into_iter().map(|one| (one.name, one.revision)).collect(),
            WorkloadReport::Untold(why) => panic!("{why}"),
        }
    }

    async fn usage(&self) -> Result<Usage, PortError> {
        self.workload.usage(&version_id(1), &kid()).await
    }
}

#[tokio::test]
async fn every_instance_that_writes_a_report_is_counted() {
    let fleet = fleet();
    assert_eq!(fleet.revisions().await, []);
    fleet.report("a", 3, 0, 0);
    fleet.report("b", 2, 0, 0);
    fs::write(fleet.folder.path().join("reports/.c.json.tmp"), "half").unwrap();
    let expected = [("a".to_owned(), Some(Revision(3))), ("b".to_owned(), Some(Revision(2)))];
    assert_eq!(fleet.revisions().await, expected);
    fs::write(fleet.folder.path().join("reports/b.json"), "{").unwrap();
    assert_eq!(fleet.revisions().await[1].1, None);
}

#[tokio::test]
async fn a_report_that_is_not_renewed_stops_counting() {
    let fleet = fleet();
    fleet.report("a", 3, 0, 0);
    fleet.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(fleet.revisions().await, [("a".to_owned(), None)]);
    let error = fleet.usage().await.unwrap_err();
    assert!(error.message().contains("older than"), "{error}");
}

#[tokio::test]
async fn disuse_takes_two_reports_with_the_same_count() {
    let fleet = fleet();
    fleet.report("a", 3, 5, 0);
    fleet.report("b", 3, 0, 0);
    assert!(matches!(fleet.usage().await, Ok(Usage::InUse(who)) if who.len() == 1));
    fleet.report("a", 3, 6, 10);
    assert!(matches!(fleet.usage().await, Ok(Usage::InUse(_))));
    fleet.report("a", 3, 6, 20);
    let usage = fleet.usage().await.unwrap();
    assert!(matches!(&usage, Usage::Unused(who) if who.len() == 2), "{usage:?}");
    fs::remove_file(fleet.folder.path().join("reports/a.json")).unwrap();
    fs::remove_file(fleet.folder.path().join("reports/b.json")).unwrap();
    assert!(fleet.usage().await.is_err());
}

#[tokio::test]
async fn a_listed_file_that_is_missing_is_an_instance_that_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let workload = workload(folder.path(), "kind = 'none'\nname = 'api'\nreport.files = ['a.json']");
    let WorkloadReport::Instances(found) = workload.report(&name()).await.unwrap() else {
        panic!()
    };
    assert_eq!((found.len(), found[0].revision), (1, None));
}

#[tokio::test]
async fn a_report_command_prints_one_report_or_many() {
    let folder = tempfile::tempdir().unwrap();
    let print = |script: &str| format!("kind = 'none'\nname = 'api'\nreport.command = ['sh', '-c', '''{script}''']");
    let many = print(r#"echo '[{"instance":"a","revision":3},{"instance":"b","revision":4}]'"#);
    let WorkloadReport::Instances(found) = workload(folder.path(), &many).report(&name()).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        (found[0].revision, found[1].revision),
        (Some(Revision(3)), Some(Revision(4)))
    );
    for (script, why) in [
        ("echo broken >&2; exit 1", "broken"),
        ("head -c 2000000 /dev/zero", "longer than"),
    ] {
        let failed = workload(folder.path(), &print(script))
            .report(&name())
            .await
            .unwrap_err();
        assert!(failed.message().contains(why), "{failed}");
    }
}
