//! How long the command takes from its start to its end: `cargo bench -p keywheel-cli --bench start`.
//!
//! Prints one JSON object for each figure. The baseline is `/bin/true`, measured in turn with ours, so that a busy machine slows
//! both; the goal is about ours alone, because it is what a person waits for.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a person does not notice.
const GOAL: Duration = Duration::from_millis(20);
const ROUNDS: usize = 60;
const KEYWHEEL: &str = env!("CARGO_BIN_EXE_keywheel");

const CONFIG: &str = r#"
[key]
file = "keywheel.key"

[[credential]]
name = "goimg/jwt"
kind = "jwt_signing_key"

[credential.issuer]
algorithm = "ES256"
verifiers = [{ ring = "keys" }]

[credential.policy]
period = "6 months"
tokens = [{ name = "access", lifetime = "15 min" }]

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"

[[credential.workload]]
kind = "none"
name = "api"

[credential.archive]
folder = "archive"
"#;

fn main() {
    // `cargo test` runs benchmarks once with `--test` to see that they work.
    let rounds = if std::env::args().any(|arg| arg == "--test") {
        1
    } else {
        ROUNDS
    };
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    prepare(folder.path());
    figure("start_help_ms", &["--help"], folder.path(), rounds);
    figure("start_list_ms", &["list"], folder.path(), rounds);
}

/// A folder with one adopted credential.
fn prepare(folder: &Path) {
    std::fs::write(folder.join("keywheel.toml"), CONFIG).expect("the folder can be written");
    for args in [
        vec!["--config", "other.toml", "init", "--yes"],
        vec!["adopt", "goimg/jwt", "--create"],
    ] {
        let ended = keywheel(&args, folder).status().expect("the command starts");
        assert!(ended.success(), "keywheel {args:?} ended with {ended}");
    }
}

fn keywheel(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(KEYWHEEL);
    command.args(args).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[expect(clippy::print_stdout, reason = "its figures are what a benchmark is for")]
fn figure(name: &str, args: &[&str], folder: &Path, rounds: usize) {
    let mut nothing = Command::new("/bin/true");
    let mut ours = keywheel(args, folder);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(timed(&mut nothing));
        with.push(timed(&mut ours));
    }
    let (ours, baseline) = (median(with), median(without));
    println!(
        "{}",
        serde_json::json!({
            "name": name,
            "ours": millis(ours),
            "baseline": millis(baseline),
            "baseline_name": "/bin/true",
            "ratio": ours.as_secs_f64() / baseline.as_secs_f64(),
            "goal": format!("<= {} ms", GOAL.as_millis()),
            "holds": ours <= GOAL,
        })
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let ended = command.status().expect("the command starts");
    let took = begun.elapsed();
    assert!(ended.success(), "{command:?} ended with {ended}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
