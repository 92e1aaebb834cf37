//! Ten servers, of which one does not answer: what it costs the credentials of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use keywheel_app::{Driven, Keywheel, News, Reporter};
use keywheel_domain::ports::Clock;
use keywheel_domain::rotation::Outcome;
use keywheel_local::SystemClock;
use keywheel_testkit::containers::Proxy;
use keywheel_tests::crowd::{Crowd, Member};
use keywheel_tests::figure::Figure;
use tokio::sync::Notify;

use crate::server::{Kind, Roles, Server, policy};

const SERVERS: usize = 10;

/// The same credentials, with those of the server that does not answer and without them.
struct Fleet {
    crowd: Crowd,
    /// In front of the last server.
    proxy: Proxy,
    with: Keywheel,
    without: Keywheel,
    /// How many credentials are at servers that answer.
    alive: usize,
}

/// Rotates so many roles at ten servers, of which each is another way to the one that there is.
pub(crate) async fn measure(server: &Server, roles: usize, rounds: usize) {
    let fleet = Fleet::make(server, roles).await;
    let (mut with, mut without) = (0.0, 0.0);
    for _ in 0..rounds {
        without += fleet.rotate(&fleet.without).await;
        fleet.crowd.next_period();
        fleet.proxy.hang();
        with += fleet.rotate(&fleet.with).await;
        fleet.proxy.heal();
        fleet.crowd.next_period();
    }
    let rotations = (fleet.alive * rounds) as f64;
    let without = ("the same without its credentials", rotations / without);
    let name = "roles at nine servers per s while the tenth hangs";
    Figure::at_least(0.9, name, rotations / with, without).print();
}

impl Fleet {
    async fn make(server: &Server, count: usize) -> Self {
        let (crowd, proxy) = (Crowd::new().await, Proxy::start(server.port()).await);
        let roles = Roles::make(server, "fleet", count).await;
        let (mut with, mut without) = (crowd.builder(), crowd.builder());
        let (alive, beyond) = roles.members().split_at(count - count / SERVERS);
        for number in 0..SERVERS {
            let last = number == SERVERS - 1;
            let port = if last { proxy.port() } else { server.port() };
            let admin = server.admin(port, crowd.clock());
            let wired = |member: &Member| {
                let issuer = server.issuer(&admin, port, Kind::InPlace, &member.username);
                let wiring = crowd.wiring(issuer, policy(Kind::InPlace), &format!("server {number}"));
                (member.credential.clone(), wiring)
            };
            let here: Vec<_> = match last {
                true => beyond.iter().map(wired).collect(),
                false => alive.iter().skip(number).step_by(SERVERS - 1).map(wired).collect(),
            };
            for (name, wiring) in here {
                if !last {
                    without = without.credential(name.clone(), wiring.clone());
                }
                with = with.credential(name, wiring);
            }
        }
        let (with, without) = (with.build(), without.build());
        crowd.adopt(&with, roles.members()).await;
        Self {
            crowd,
            proxy,
            with,
            without,
            alive: alive.len(),
        }
    }

    /// Until the credentials of all servers that answer are rotated. How many seconds that took.
    async fn rotate(&self, keywheel: &Keywheel) -> f64 {
        // As many workers, and as many of them at one server, as a run has by default.
        let scheduler = keywheel.scheduler("bench");
        let counter = Counter {
            left: AtomicUsize::new(self.alive),
            ended: std::sync::Mutex::default(),
            done: Arc::default(),
        };
        let done = Arc::clone(&counter.done);
        let begun = SystemClock.monotonic();
        scheduler
            .run_once(&counter, async move { done.notified().await })
            .await
            .expect("the journal works");
        let ended = *counter.ended.lock().expect("nobody panics with it");
        (ended.expect("all of them were rotated") - begun).as_secs_f64()
    }
}

/// Says when so many rotations are completed.
#[derive(Debug)]
struct Counter {
    left: AtomicUsize,
    ended: std::sync::Mutex<Option<SignedDuration>>,
    done: Arc<Notify>,
}

impl Reporter for Counter {
    fn hear(&self, news: &News<'_>) {
        let News::Moved { driven, .. } = news else { return };
        if **driven == Driven::Rested(Outcome::Completed) && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            *self.ended.lock().expect("nobody panics with it") = Some(SystemClock.monotonic());
            self.done.notify_one();
        }
    }
}
