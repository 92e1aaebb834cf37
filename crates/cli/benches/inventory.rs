//! What a hundred thousand credentials cost a process that looks after them: `cargo bench -p keywheel-cli --bench inventory`.
//!
//! Prints one JSON object for each figure. Ours is the real command with all of them configured and in its database, of which one is
//! due; the baseline is the same with that one alone. The goals are about ours alone.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::Journal;
use keywheel_domain::schedule::Period;
use keywheel_domain::view::View;
use keywheel_sqlite::Sqlite;

const MANY: usize = 100_000;
const ROUNDS: usize = 5;
/// A service manager waits that long without thinking that something is wrong.
const LONGEST_START_MILLIS: f64 = 1_000.0;
const MOST_MEMORY_MIB: f64 = 200.0;
/// The beginning reads the whole inventory once, to see what is overdue: until that is over memory grows.
const SETTLED: Duration = Duration::from_secs(3);
/// How many are adopted at a time.
const AT_A_TIME: usize = 256;
const KEYWHEEL: &str = env!("CARGO_BIN_EXE_keywheel");

/// What a process took.
struct Took {
    millis: f64,
    mebibytes: f64,
}

#[tokio::main]
async fn main() {
    // `cargo test` runs benchmarks once with `--test` to see that they work.
    let (many, rounds) = match std::env::args().any(|argument| argument == "--test") {
        true => (100, 1),
        false => (MANY, ROUNDS),
    };
    let (crowded, alone) = (folder(many).await, folder(1).await);
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(run(crowded.path()));
        baseline.push(run(alone.path()));
    }
    let named = |what: &str| format!("{many} credentials: {what}");
    let millis = |took: &[Took]| median(took.iter().map(|took| took.millis).collect());
    figure(
        &named("start to the first decision, ms"),
        millis(&ours),
        millis(&baseline),
        LONGEST_START_MILLIS,
    );
    let memory = |took: &[Took]| median(took.iter().map(|took| took.mebibytes).collect());
    figure(
        &named("most memory, MiB"),
        memory(&ours),
        memory(&baseline),
        MOST_MEMORY_MIB,
    );
}

/// So many credentials, configured and in the database. The first is due.
async fn folder(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let mut config = String::from("[key]\nfile = \"keywheel.key\"\n");
    for number in 0..count {
        write!(config, "{}", configured(number)).expect("text takes text");
    }
    std::fs::write(folder.path().join("keywheel.toml"), config).expect("the folder can be written");
    let made = keywheel(&["--config", "other.toml", "init", "--yes"], folder.path()).status();
    assert!(made.is_ok_and(|made| made.success()), "there is no key");
    let sqlite = Sqlite::open(&folder.path().join("start.db"))
        .await
        .expect("the folder takes a database");
    let adopt = async |number: usize| {
        let adopted = sqlite.adopt(&credential(number)).await;
        adopted.expect("the database takes a credential");
    };
    stream::iter(0..count).for_each_concurrent(AT_A_TIME, adopt).await;
    folder
}

fn name(number: usize) -> String {
    format!("team-{}/database-{number}", number % 97)
}

/// A role of one of two hundred servers, and the file that its application reads.
fn configured(number: usize) -> String {
    let (name, server) = (name(number), number % 200);
    format!(
        r#"
[[credential]]
name = "{name}"
kind = "postgresql_password"

[credential.issuer]
role = "app_{number}"
admin = {{ host = "127.0.0.1", port = {}, user = "keywheel", tls = "disable" }}

[credential.policy]
period = "3 months"

[[credential.store]]
kind = "files"
folder = "secrets/{number}"
file = [{{ path = "login.json", template = "{{{{ primary.password | json }}}}" }}]
"#,
        // Nobody listens there.
        20_000 + server
    )
}

#[expect(clippy::disallowed_methods, reason = "real processes look at the real date")]
fn credential(number: usize) -> Credential {
    let (now, version) = (Timestamp::now(), VersionNumber(1));
    let attributes = [("username".to_owned(), format!("app_{number}"))].into();
    let view = View::new(Revision(1), version, [version]);
    let name = name(number).parse().expect("it is a path of plain words");
    // One of them is due: it is older than any three months.
    let age = if number == 0 { 100 * 24 } else { 0 };
    let created_at = now - jiff::SignedDuration::from_hours(age);
    Credential::adopted(name, attributes, view, created_at, now).scheduled(&Policy::new(Period::months(3)))
}

fn keywheel(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(KEYWHEEL);
    command.args(args).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Until it has begun the rotation that is due; then it has some time more to take memory.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn run(folder: &Path) -> Took {
    for left in ["keywheel.db-wal", "keywheel.db-shm"] {
        // There is none before the first run.
        let _ = std::fs::remove_file(folder.join(left));
    }
    std::fs::copy(folder.join("start.db"), folder.join("keywheel.db")).expect("there is room for a copy");
    let begun = Instant::now();
    let mut child = keywheel(&["run", "--json"], folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let said = BufReader::new(child.stdout.take().expect("it is piped"));
    let opened = said
        .lines()
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("\"opened\"")));
    let took = begun.elapsed();
    assert!(opened.is_some(), "it ended before it began the rotation");
    std::thread::sleep(SETTLED);
    let mebibytes = most_memory(&child);
    child.kill().expect("it still runs");
    child.wait().expect("it was killed");
    Took {
        millis: took.as_secs_f64() * 1e3,
        mebibytes,
    }
}

/// The most that it had in memory so far, as Linux tells.
fn most_memory(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("this is Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("it is told");
    let kibibytes = line.trim().trim_end_matches(" kB");
    kibibytes.parse::<f64>().expect("it is a number") / 1024.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "its figures are what a benchmark is for")]
fn figure(name: &str, ours: f64, baseline: f64, most: f64) {
    println!(
        "{}",
        serde_json::json!({
            "name": name,
            "ours": ours,
            "baseline": baseline,
            "baseline_name": "with one credential",
            "ratio": ours / baseline,
            "goal": format!("< {most}"),
            "holds": ours < most,
        })
    );
}
