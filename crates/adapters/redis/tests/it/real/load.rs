//! Rotations under clients that log in for every operation with what the store shows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use keywheel_domain::ports::{Issuer, VersionMaterial};
use serde_json::json;

use crate::real::client::Client;
use crate::real::support::*;

const CLIENTS: usize = 8;

/// What clients read before each login.
#[derive(Clone)]
struct Store(Arc<RwLock<(String, String)>>);

impl Store {
    fn showing(version: &VersionMaterial) -> Self {
        Self(Arc::new(RwLock::new((
            user(version).to_owned(),
            password(version).to_owned(),
        ))))
    }

    fn show(&self, version: &VersionMaterial) {
        *self.0.write().unwrap() = (user(version).to_owned(), password(version).to_owned());
    }

    fn shown(&self) -> (String, String) {
        self.0.read().unwrap().clone()
    }
}

#[derive(Default)]
struct Seen {
    operations: AtomicU64,
    failures: AtomicU64,
    stop: AtomicBool,
}

/// Logs in and does one operation, again and again.
async fn reconnecting(port: u16, store: Store, seen: Arc<Seen>, number: usize) {
    while !seen.stop.load(Ordering::Relaxed) {
        let (user, password) = store.shown();
        let done = match Client::log_in(port, &user, &password).await {
            Ok(mut client) => client
                .ask(&["INCR", &format!("counter:{number}")])
                .await
                .parse::<u64>()
                .is_ok(),
            Err(_) => false,
        };
        seen.operations.fetch_add(1, Ordering::Relaxed);
        seen.failures.fetch_add(u64::from(!done), Ordering::Relaxed);
    }
}

/// Keeps its connection.
async fn pooled(port: u16, store: Store, seen: Arc<Seen>) {
    let (user, password) = store.shown();
    let mut client = Client::log_in(port, &user, &password).await.unwrap();
    while !seen.stop.load(Ordering::Relaxed) {
        let done = client.ask(&["PING"]).await == "PONG";
        seen.operations.fetch_add(1, Ordering::Relaxed);
        seen.failures.fetch_add(u64::from(!done), Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

async fn rotate(issuer: &dyn Issuer, store: &Store, current: VersionMaterial) -> VersionMaterial {
    let new = next(issuer, &current).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
    store.show(&new);
    // A client that read the store just before still logs in with the old version.
    pause(300).await;
    issuer.suspend(&current).await.unwrap();
    pause(100).await;
    issuer.retire(&current).await.unwrap();
    issuer.prove_dead(&current).await.unwrap();
    new
}

async fn nobody_is_refused(name: &str, strategy: &str) {
    let server = server(name, "first-password").await;
    let issuer = issuer(&[server.port()], json!({ "user": name, "kind": strategy }));
    let first = version(1, name, "first-password");
    let store = Store::showing(&first);
    let seen = Arc::new(Seen::default());
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(reconnecting(server.port(), store.clone(), seen.clone(), number)))
        .collect();
    clients.push(tokio::spawn(pooled(server.port(), store.clone(), seen.clone())));
    pause(200).await;
    let second = rotate(&*issuer, &store, first).await;
    let third = rotate(&*issuer, &store, second).await;
    pause(200).await;
    seen.stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let (operations, failures) = (
        seen.operations.load(Ordering::Relaxed),
        seen.failures.load(Ordering::Relaxed),
    );
    assert_eq!(failures, 0, "of {operations} operations");
    assert!(operations > 1_000, "{operations}");
    assert!(works(server.port(), &third).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_while_two_passwords_of_a_named_user_take_turns() {
    nobody_is_refused("goimg", "dual_password").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_who_sends_a_password_alone() {
    nobody_is_refused("default", "dual_password").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_while_twins_take_turns() {
    nobody_is_refused("goimg", "twin_users").await;
}
