//! What it costs to rotate ten thousand Redis users: `cargo bench -p keywheel-tests --bench redis`. Needs a container engine.
//!
//! Prints one JSON object for each figure. Ours is the whole engine on one server: two passwords on each user, each change saved
//! to the ACL file and read back, each version proved by a login, a journal on disk that is synced. The baseline does nothing but
//! change as many users at a time, in one pipeline, and has the server save them.

mod limit;
mod server;

use std::sync::Arc;

use keywheel_tests::crowd::{Crowd, Stopwatch, instant};
use keywheel_tests::figure::Figure;

use server::Server;

/// So many rotations are under way at a time; so many users are in a batch of the baseline.
const AT_A_TIME: usize = 256;

#[tokio::main]
async fn main() {
    // `cargo test` runs benchmarks once with `--test` to see that they work.
    let users = match std::env::args().any(|argument| argument == "--test") {
        true => 50,
        false => 10_000,
    };
    let server = Server::start(users).await;
    let crowd = Crowd::new().await;
    let stopwatch = Arc::new(Stopwatch::default());
    let mut builder = crowd.builder().observer(stopwatch.clone());
    for (member, issuer) in server.members().iter().zip(server.issuers(&crowd.clock())) {
        let wiring = crowd.wiring(issuer, instant(), "the server");
        builder = builder.credential(member.credential.clone(), wiring);
    }
    let keywheel = builder.build();
    crowd.adopt(&keywheel, server.members()).await;
    let before = limit::run(&server, AT_A_TIME).await;
    let ours = crowd.rotate(&keywheel, users, AT_A_TIME).await.as_secs_f64();
    let after = limit::run(&server, AT_A_TIME).await;
    let users = users as f64;
    let name = format!("pipelined ACL SETUSER, one SAVE for {AT_A_TIME}");
    let limit = (name.as_str(), 2.0 * users / (before + after));
    Figure::at_least(0.3, "Redis users rotated per s", users / ours, limit).print();
    let millis = stopwatch.millis();
    let whole = millis.values().sum::<f64>() / users;
    for (step, spent) in millis {
        let name = format!("Redis: {step}, ms");
        Figure::shown(&name, spent / users, ("of a whole rotation", whole)).print();
    }
}
