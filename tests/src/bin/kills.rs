//! `kills [--of jwt|postgres|redis] [--runs N] [--seed S]`: kills real rotations at random moments and ends with one line,
//! `kills: N rotations, M in the middle, V verified, 0 refused, 0 violations, T s`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use keywheel_testkit::containers;
use keywheel_tests::command;
use keywheel_tests::kills::jwt::Jwt;
use keywheel_tests::kills::postgres::Postgres;
use keywheel_tests::kills::redis::Redis;
use keywheel_tests::kills::{Attempt, Killed, Play, kill_once, look_again};
use keywheel_tests::live::postgres::Database;
use keywheel_tests::live::redis::Instance;
use tokio::runtime::{Handle, Runtime};

/// How many rotations run side by side: they wait most of the time.
const SIDE_BY_SIDE: usize = 8;
/// A rotation of these configurations lasts about as long.
const LONGEST_WAIT_MILLIS: u64 = 5_000;

fn text<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

fn number(arguments: &[String], name: &str, default: u64) -> u64 {
    text(arguments, name)
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Where rotations take place.
enum Theatre {
    Folders,
    Postgres(containers::Postgres),
    Redis(containers::Redis),
}

impl Theatre {
    async fn open(what: &str) -> Attempt<Self> {
        match what {
            "postgres" => {
                let server = containers::Postgres::start().await;
                Postgres::prepare(&database(&server), superuser()).await;
                Ok(Self::Postgres(server))
            }
            "redis" => {
                let server = containers::Redis::start().await;
                Redis::prepare(&instance(&server)).await?;
                Ok(Self::Redis(server))
            }
            "jwt" => Ok(Self::Folders),
            other => Err(format!("--of {other}: write jwt, postgres or redis").into()),
        }
    }

    /// The rotation of that number; strategies take turns. Must be called within a runtime.
    fn play(&self, number: usize) -> Attempt<Box<dyn Play>> {
        let odd = !number.is_multiple_of(2);
        Ok(match self {
            Self::Folders => Box::new(Jwt::make()?),
            Self::Postgres(server) => Box::new(Postgres::make(number, "twin_roles", &database(server), superuser())?),
            Self::Redis(server) => {
                let kind = if odd { "twin_users" } else { "dual_password" };
                Box::new(Redis::make(number, kind, &instance(server))?)
            }
        })
    }

    /// Whether there is a server, which was restarted then.
    async fn restart(&self) -> bool {
        match self {
            Self::Folders => return false,
            Self::Postgres(server) => server.restart().await,
            Self::Redis(server) => server.restart().await,
        }
        true
    }
}

fn superuser() -> (&'static str, &'static str) {
    ("postgres", containers::Postgres::PASSWORD)
}

fn database(server: &containers::Postgres) -> Database {
    Database {
        port: server.port(),
        name: "postgres".to_owned(),
    }
}

fn instance(server: &containers::Redis) -> Instance {
    Instance {
        port: server.port(),
        password_only: false,
    }
}

/// Some rotations at once, each killed after its time; then a restart of the server, and another look at each.
fn batch(theatre: &Theatre, handle: &Handle, keywheel: &Path, moments: &[(usize, Duration)]) -> Vec<Attempt<Killed>> {
    let one = |number: usize, after: Duration| -> Attempt<(Box<dyn Play>, Killed)> {
        let _runtime = handle.enter();
        let mut play = theatre.play(number)?;
        let killed = kill_once(keywheel, play.as_mut(), after)?;
        Ok((play, killed))
    };
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = moments
            .iter()
            .map(|(number, after)| scope.spawn(move || one(*number, *after)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    });
    let restarted = handle.block_on(theatre.restart());
    let again = ended.into_iter().map(|ended| {
        let (mut play, mut killed) = ended?;
        if restarted {
            let after_restart = look_again(keywheel, play.as_mut())?;
            let problem = after_restart.map(|problem| format!("after a restart: {problem}"));
            killed.problem = killed.problem.or(problem);
        }
        Ok(killed)
    });
    again.collect()
}

#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (runs, seed) = (number(&arguments, "--runs", 200), number(&arguments, "--seed", 1));
    let began = Instant::now();
    let keywheel = command::program();
    let runtime = Runtime::new().expect("the system gives threads");
    let theatre = match runtime.block_on(Theatre::open(text(&arguments, "--of").unwrap_or("jwt"))) {
        Ok(theatre) => theatre,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut random = fastrand::Rng::with_seed(seed);
    let moments: Vec<(usize, Duration)> = (0..runs as usize)
        .map(|run| (run, Duration::from_millis(random.u64(0..LONGEST_WAIT_MILLIS))))
        .collect();
    let mut results = Vec::new();
    for moments in moments.chunks(SIDE_BY_SIDE) {
        results.extend(batch(&theatre, runtime.handle(), &keywheel, moments));
    }
    // Its container goes while the runtime is there.
    let _runtime = runtime.enter();
    drop(theatre);
    report(&results, began.elapsed())
}

fn report(results: &[Attempt<Killed>], took: Duration) -> ExitCode {
    for failure in results.iter().filter_map(|result| result.as_ref().err()) {
        eprintln!("could not be run: {failure}");
    }
    let killed: Vec<&Killed> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    let violations: Vec<_> = killed.iter().filter(|killed| killed.problem.is_some()).collect();
    for violation in &violations {
        eprintln!("violation: {violation:?}");
    }
    println!(
        "kills: {} rotations, {} in the middle, {} verified, {} refused, {} violations, {:.0} s",
        killed.len(),
        killed.iter().filter(|killed| killed.in_the_middle).count(),
        killed.iter().map(|killed| killed.verified).sum::<u64>(),
        killed.iter().map(|killed| killed.refused).sum::<u64>(),
        violations.len(),
        took.as_secs_f64()
    );
    if violations.is_empty() && killed.len() == results.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
