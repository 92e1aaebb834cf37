//! Real servers, rotated by the whole of Keywheel.

mod cut_off;
mod example;
mod leaks;
mod postgres;
mod purge;
mod redis;
mod shared;

use std::sync::Arc;

use keywheel_app::Driven;
use keywheel_domain::rotation::Outcome;
use keywheel_tests::live::{Clients, Server, Stage, Tally};

/// What an acceptance wants to see at the least.
const OPERATIONS: u64 = 20_000;

/// Two rotations, one there and one back, under the eyes of eight clients that log in for each operation and two pools.
async fn rotate_twice(stage: &Stage, server: Arc<dyn Server>) -> Arc<Tally> {
    let clients = Clients::start(&server, &stage.login_file(), 8, 2);
    for _ in 0..2 {
        let driven = stage.rotate().await.expect("the journal works");
        assert_eq!(
            driven,
            Driven::Rested(Outcome::Completed),
            "{:?}",
            stage.failures().await
        );
    }
    clients.reach(OPERATIONS).await;
    clients.stop().await
}

fn assert_nobody_noticed(tally: &Tally) {
    assert_eq!(tally.failures(), Vec::<String>::new());
    assert!(tally.operations() >= OPERATIONS, "{}", tally.operations());
}
