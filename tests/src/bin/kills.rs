//! `kills [--runs N] [--seed S]`: kills real rotations at random moments and ends with one line, `kills: N rotations, M in the
//! middle, V verified, 0 refused, 0 violations, T s`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keywheel_tests::kills::{Killed, kill_once};

/// How many rotations run side by side: they wait most of the time.
const SIDE_BY_SIDE: usize = 8;
/// A rotation of this configuration lasts about as long.
const LONGEST_WAIT_MILLIS: u64 = 5_000;

fn number(arguments: &[String], name: &str, default: u64) -> u64 {
    let value = arguments
        .iter()
        .position(|argument| argument == name)
        .and_then(|at| arguments.get(at + 1));
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The command beside this program: both are built into the same folder.
fn keywheel() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("keywheel"))
}

#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (runs, seed) = (number(&arguments, "--runs", 200), number(&arguments, "--seed", 1));
    let began = Instant::now();
    let keywheel = keywheel().expect("a running program has a path");
    let mut random = fastrand::Rng::with_seed(seed);
    let moments: Vec<Duration> = (0..runs)
        .map(|_| Duration::from_millis(random.u64(0..LONGEST_WAIT_MILLIS)))
        .collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Killed>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(after) = moments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match kill_once(&keywheel, *after) {
                        Ok(killed) => results.lock().expect("no thread panics").push(killed),
                        Err(error) => failures.lock().expect("no thread panics").push(error.to_string()),
                    }
                }
            });
        }
    });
    let results = results.into_inner().expect("no thread panics");
    let failures = failures.into_inner().expect("no thread panics");
    let violations: Vec<&Killed> = results.iter().filter(|killed| killed.problem.is_some()).collect();
    for failure in &failures {
        eprintln!("could not be run: {failure}");
    }
    for violation in &violations {
        eprintln!("violation: {violation:?}");
    }
    println!(
        "kills: {} rotations, {} in the middle, {} verified, {} refused, {} violations, {:.0} s",
        results.len(),
        results.iter().filter(|killed| killed.in_the_middle).count(),
        results.iter().map(|killed| killed.verified).sum::<u64>(),
        results.iter().map(|killed| killed.refused).sum::<u64>(),
        violations.len(),
        began.elapsed().as_secs_f64()
    );
    let complete = results.len() as u64 == runs;
    if violations.is_empty() && failures.is_empty() && complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
