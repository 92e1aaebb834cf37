//! `sim --seeds N [--seed S]`: random histories with many faults. Its last line is `sim: N histories, V violations, T s`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::process::ExitCode;
use std::time::Instant;

use keywheel_tests::history::of_seed;

fn number(arguments: &[String], name: &str, default: u64) -> u64 {
    let at = arguments.iter().position(|argument| argument == name);
    let value = at.and_then(|at| arguments.get(at + 1));
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (seeds, first) = (number(&arguments, "--seeds", 100), number(&arguments, "--seed", 1));
    let began = Instant::now();
    let mut violated = 0;
    for seed in first..first + seeds {
        let history = of_seed(seed);
        if !history.violations.is_empty() {
            violated += 1;
            eprintln!(
                "seed {seed}, {} with {}: {:?}",
                history.case, history.plan, history.violations
            );
        }
        if seeds == 1 {
            print!("{}", history.story);
        }
    }
    println!(
        "sim: {seeds} histories, {violated} violations, {:.1} s",
        began.elapsed().as_secs_f64()
    );
    if violated == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
