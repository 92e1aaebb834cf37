//! `sim [--seeds N] [--seed S]`: random histories, deeper than the exhaustive search can go. Its last line is
//! `sim: N seeds, R rotations, C completed, B rolled back, F faults, 0 violations, T s`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use keywheel_domain::rotation::Outcome;
use keywheel_tests::sim::{Life, live};

const THREADS: usize = 2;

fn number(arguments: &[String], name: &str, default: u64) -> Result<u64, String> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else {
        return Ok(default);
    };
    let value = arguments.get(at + 1).and_then(|value| value.parse().ok());
    value.ok_or(format!("{name} needs a number"))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = number(&arguments, "--seeds", 1_000).and_then(|seeds| Ok((seeds, number(&arguments, "--seed", 1)?)));
    match asked {
        Ok((seeds, first)) => search(seeds, first),
        Err(problem) => {
            eprintln!("{problem}\nusage: sim [--seeds N] [--seed S]");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn search(seeds: u64, first: u64) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let lives = Mutex::new(Lives::default());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first.saturating_add(seeds) {
                        break;
                    }
                    let life = live(seed);
                    lives.lock().unwrap_or_else(PoisonError::into_inner).add(seed, &life);
                }
            });
        }
    });
    let Lives {
        completed,
        rolled_back,
        faults,
        violations,
    } = lives.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (rotations, seconds) = (completed + rolled_back, began.elapsed().as_secs_f64());
    println!(
        "sim: {seeds} seeds, {rotations} rotations, {completed} completed, {rolled_back} rolled back, {faults} faults, {violations} violations, {seconds:.1} s"
    );
    if violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Debug, Default)]
struct Lives {
    completed: usize,
    rolled_back: usize,
    faults: usize,
    violations: usize,
}

impl Lives {
    fn add(&mut self, seed: u64, life: &Life) {
        let completed = life
            .outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Completed)
            .count();
        self.completed += completed;
        self.rolled_back += life.outcomes.len() - completed;
        self.faults += life.faults;
        if life.violations.is_empty() {
            return;
        }
        self.violations += 1;
        if self.violations < 4 {
            eprintln!("violation: --seeds 1 --seed {seed}");
            life.log.iter().for_each(|line| eprintln!("  {line}"));
            life.violations.iter().for_each(|violation| eprintln!("  {violation}"));
        }
    }
}
