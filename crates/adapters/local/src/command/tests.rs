use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use keywheel_testkit::clock::TestClock;

use super::*;
use crate::SystemClock;

const LONG: SignedDuration = SignedDuration::from_secs(60);

struct Bench {
    folder: tempfile::TempDir,
    surroundings: Surroundings,
}

fn bench(clock: Arc<dyn Clock>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let surroundings = Surroundings {
        base: folder.path().to_owned(),
        clock,
    };
    Bench { folder, surroundings }
}

fn shell(script: &str) -> CommandLine {
    CommandLine::new("a test", &["sh", "-c", script].map(str::to_owned)).unwrap()
}

impl Bench {
    fn run(&self) -> Run<'_> {
        Run {
            surroundings: &self.surroundings,
            timeout: LONG,
            limit: OUTPUT_LIMIT,
            variables: &[],
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The process id that a script wrote into a file, once it did.
    async fn pid_in(&self, name: &str) -> String {
        let read = || fs::read_to_string(self.file(name)).unwrap_or_default();
        until(|| read().ends_with('\n')).await;
        read().trim().to_owned()
    }
}

/// A process that has ended may wait in the table for its parent.
fn is_running(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

/// Waits for what other processes do, and fails where it does not come.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..2000 {
        if what() {
            return;
        }
        SystemClock.sleep(SignedDuration::from_millis(5)).await;
    }
    panic!("it did not come");
}

async fn until_gone(pid: &str) {
    until(|| !is_running(pid)).await;
}

async fn shell_output(script: &str) -> Ended {
    shell(script).run(bench(Arc::new(SystemClock)).run()).await.unwrap()
}

fn text(captured: &Captured) -> &str {
    std::str::from_utf8(&captured.bytes).unwrap()
}

#[tokio::test]
async fn both_outputs_and_the_status_are_reported() {
    let ended = shell_output("echo out; echo problem >&2; exit 3").await;
    assert_eq!((text(&ended.stdout), text(&ended.stderr)), ("out\n", "problem\n"));
    assert_eq!(ended.story(), "exit status: 3: problem");
}

#[test]
fn arguments_are_not_shown() {
    assert_eq!(format!("{:?}", shell("canary")), "`sh` with 2 arguments");
}

#[tokio::test]
async fn a_child_gets_nothing_of_our_environment_but_the_named_few() {
    let bench = bench(Arc::new(SystemClock));
    let told = [("KEYWHEEL_CREDENTIAL", "goimg/jwt".to_owned())];
    let run = Run {
        variables: &told,
        ..bench.run()
    };
    let ended = CommandLine::new("a test", &["env".to_owned()])
        .unwrap()
        .run(run)
        .await
        .unwrap();
    let names: Vec<&str> = text(&ended.stdout)
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    assert!(names.contains(&"KEYWHEEL_CREDENTIAL"));
    let allowed = |name: &&str| INHERITED.contains(name) || *name == "KEYWHEEL_CREDENTIAL";
    assert!(names.iter().all(allowed), "{names:?}");
}

#[tokio::test]
async fn a_child_reads_nothing_and_runs_in_the_base_folder() {
    let bench = bench(Arc::new(SystemClock));
    let ended = shell("cat; pwd").run(bench.run()).await.unwrap();
    let here = fs::canonicalize(bench.folder.path()).unwrap();
    assert_eq!(text(&ended.stdout).trim(), here.to_str().unwrap());
}

#[tokio::test]
async fn a_relative_program_is_looked_for_in_the_base_folder() {
    use std::os::unix::fs::PermissionsExt;
    let bench = bench(Arc::new(SystemClock));
    fs::write(bench.file("hook"), "#!/bin/sh\necho hooked\n").unwrap();
    let hook = CommandLine::new("a test", &["./hook".to_owned()]).unwrap();
    assert!(!hook.is_executable(bench.folder.path()));
    fs::set_permissions(bench.file("hook"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(hook.is_executable(bench.folder.path()));
    assert_eq!(text(&hook.run(bench.run()).await.unwrap().stdout), "hooked\n");
}

#[tokio::test]
async fn what_is_over_the_limit_is_cut_and_does_not_block_the_command() {
    let ended = shell_output("head -c 300000 /dev/zero; echo end >&2").await;
    assert_eq!((ended.stdout.bytes.len(), ended.stdout.cut), (OUTPUT_LIMIT, true));
    assert_eq!((text(&ended.stderr), ended.stderr.cut), ("end\n", false));
}

#[tokio::test]
async fn what_a_command_starts_in_the_background_goes_on_and_holds_nobody_up() {
    let bench = bench(Arc::new(SystemClock));
    let background = "until [ -e go ]; do sleep 0.01; done; echo done > done";
    let ended = shell(&format!("({background}) & echo $!"))
        .run(bench.run())
        .await
        .unwrap();
    let pid = text(&ended.stdout).trim();
    fs::write(bench.file("go"), "").unwrap();
    until(|| bench.file("done").exists() || !is_running(pid)).await;
    assert!(bench.file("done").exists(), "it was killed");
}

#[tokio::test]
async fn a_program_that_is_not_there_was_never_started() {
    let missing = CommandLine::new("a test", &["keywheel-no-such-program".to_owned()]).unwrap();
    let bench = bench(Arc::new(SystemClock));
    assert!(matches!(missing.run(bench.run()).await, Err(Failure::NotStarted(_))));
    assert!(!missing.is_executable(bench.folder.path()));
    assert!(
        CommandLine::new("`roll_out`", &[])
            .unwrap_err()
            .message()
            .contains("`roll_out` names no program")
    );
}

/// Runs a script on a clock that stands still, and lets time pass once the script is ready.
async fn time_out(script: &str) -> String {
    let clock = TestClock::starting_at(Timestamp::UNIX_EPOCH);
    let bench = bench(Arc::clone(&clock) as Arc<dyn Clock>);
    let command = shell(script);
    let running = command.run(bench.run());
    let time = async {
        let pid = bench.pid_in("ready").await;
        clock.advance(LONG);
        until(|| {
            // The pause between asking and killing, where the command needs it.
            clock.advance(TERM_GRACE);
            !is_running(&pid)
        })
        .await;
        pid
    };
    let (ended, pid) = tokio::join!(running, time);
    assert!(matches!(ended, Err(Failure::TimedOut)));
    pid
}

#[tokio::test]
async fn a_command_whose_time_is_up_ends_with_everything_that_it_started() {
    until_gone(&time_out("sleep 600 & echo $! > ready; wait").await).await;
}

#[tokio::test]
async fn a_command_that_ignores_the_request_to_end_is_killed() {
    until_gone(&time_out("trap '' TERM; echo $$ > ready; while :; do sleep 600; done").await).await;
}

#[tokio::test]
async fn a_command_that_is_no_longer_waited_for_is_killed_with_everything_that_it_started() {
    let bench = bench(Arc::new(SystemClock));
    let command = shell("trap '' TERM; sleep 600 & echo $! > ready; wait");
    let pid = tokio::select! {
        _ = command.run(bench.run()) => panic!("it runs for ten minutes"),
        pid = bench.pid_in("ready") => pid,
    };
    until_gone(&pid).await;
}
