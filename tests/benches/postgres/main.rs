//! What it costs to rotate a thousand PostgreSQL roles: `cargo bench -p keywheel-tests --bench postgres`. Needs a container engine.
//!
//! Prints one JSON object for each figure. Ours is the whole engine on one server: the scheduler, a journal on disk that is synced,
//! sealed material, the audit log, and every proof. Ours and the baselines take turns, so that whatever else the machine does
//! falls on all of them.
//!
//! How near ours can come to the limit is decided by the server's processors. Measured on PostgreSQL 15, it spends 4.5 ms on an
//! exchange, 8.9 ms on a login that it accepts and 6.6 ms on one that it refuses. The limit is an exchange and a login: 13 ms. A
//! rotation in place exchanges once, too, but it is accepted twice (the version in use before anything changes, and the new one)
//! and refused twice (the canary, when the interruption begins, and the proof that the old version is dead), besides two
//! questions: 36 ms at the least. With all of its proofs it cannot come beyond 0.37 of the limit where the server is what is
//! short of time, and no proof is left out to look faster.

mod fleet;
mod limit;
mod runbook;
mod server;

use std::sync::Arc;

use keywheel_app::Keywheel;
use keywheel_tests::crowd::{Crowd, Stopwatch};
use keywheel_tests::figure::Figure;

use server::{Kind, Roles};

/// How large everything is.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Roles that are due at once.
    roles: usize,
    /// How often ours and a baseline take turns.
    rounds: usize,
    /// Roles that are rotated as the runbook does it.
    by_hand: usize,
    /// Roles at ten servers.
    fleet: usize,
    /// Roles with twins, of which each is rotated four times.
    twins: usize,
}

/// As the baseline.
const LIMIT_WORKERS: usize = 8;
/// Rotations wait for the disk and for others in between, so more of them are under way than the server can work at.
const AT_A_TIME: usize = 48;

#[tokio::main]
async fn main() {
    // `cargo test` runs benchmarks once with `--test` to see that they work.
    let size = match std::env::args().any(|argument| argument == "--test") {
        true => Size {
            roles: 20,
            rounds: 1,
            by_hand: 2,
            fleet: 20,
            twins: 10,
        },
        false => Size {
            roles: 1_000,
            rounds: 2,
            by_hand: 100,
            fleet: 500,
            twins: 250,
        },
    };
    let server = server::start().await;
    in_place(&server, size).await;
    fleet::measure(&server, size.fleet, size.rounds).await;
    twins(&server, size).await;
}

async fn in_place(server: &server::Server, size: Size) {
    let roles = Roles::make(server, "app", size.roles).await;
    let limit = limit::Limit::prepare(server, "limit", size.roles / 2).await;
    let crowd = Crowd::new().await;
    let stopwatch = Arc::new(Stopwatch::default());
    let keywheel = behind_one_bulkhead(&crowd, server, &roles, Kind::InPlace, &stopwatch);
    crowd.adopt(&keywheel, roles.members()).await;
    let (mut ours, mut at_the_limit) = (0.0, 0.0);
    for _ in 0..size.rounds {
        at_the_limit += limit.run(LIMIT_WORKERS).await;
        ours += crowd.rotate(&keywheel, size.roles, AT_A_TIME).await.as_secs_f64();
        at_the_limit += limit.run(LIMIT_WORKERS).await;
        crowd.next_period();
    }
    let rotations = (size.roles * size.rounds) as f64;
    let ours = rotations / ours;
    let limit = ("ALTER ROLE and a login by 8 workers", rotations / at_the_limit);
    Figure::at_least(0.85, "in-place roles rotated per s", ours, limit).print();
    let by_hand = size.by_hand as f64 / runbook::run(server, size.by_hand).await;
    let runbook = ("the runbook: psql ALTER and psql login", by_hand);
    Figure::at_least(10.0, "in-place roles rotated per s, by hand", ours, runbook).print();
    steps("in place", &stopwatch, rotations);
}

/// The first rotation of a role makes its first twin and the second one the other; from then on they take turns.
async fn twins(server: &server::Server, size: Size) {
    const ROTATIONS_OF_A_ROLE: usize = 4;
    let roles = Roles::make(server, "owner", size.twins).await;
    let limit = limit::Limit::prepare(server, "limit_of_twins", size.twins).await;
    let crowd = Crowd::new().await;
    let stopwatch = Arc::new(Stopwatch::default());
    let keywheel = behind_one_bulkhead(&crowd, server, &roles, Kind::TwinRoles, &stopwatch);
    crowd.adopt(&keywheel, roles.members()).await;
    let (mut ours, mut at_the_limit) = (0.0, 0.0);
    for _ in 0..ROTATIONS_OF_A_ROLE {
        ours += crowd.rotate(&keywheel, size.twins, AT_A_TIME).await.as_secs_f64();
        at_the_limit += limit.run(LIMIT_WORKERS).await;
        crowd.next_period();
    }
    let rotations = (size.twins * ROTATIONS_OF_A_ROLE) as f64;
    let limit = ("ALTER ROLE and a login by 8 workers", rotations / at_the_limit);
    Figure::shown("twin roles rotated per s", rotations / ours, limit).print();
    steps("twins", &stopwatch, rotations);
}

fn steps(what: &str, stopwatch: &Stopwatch, rotations: f64) {
    let millis = stopwatch.millis();
    let whole = millis.values().sum::<f64>() / rotations;
    for (step, spent) in millis {
        let name = format!("{what}: {step}, ms");
        Figure::shown(&name, spent / rotations, ("of a whole rotation", whole)).print();
    }
}

fn behind_one_bulkhead(
    crowd: &Crowd,
    server: &server::Server,
    roles: &Roles,
    kind: Kind,
    stopwatch: &Arc<Stopwatch>,
) -> Keywheel {
    let admin = server.admin(server.port(), crowd.clock());
    let mut builder = crowd.builder().observer(stopwatch.clone());
    for member in roles.members() {
        let issuer = server.issuer(&admin, server.port(), kind, &member.username);
        let wiring = crowd.wiring(issuer, server::policy(kind), "the server");
        builder = builder.credential(member.credential.clone(), wiring);
    }
    builder.build()
}
