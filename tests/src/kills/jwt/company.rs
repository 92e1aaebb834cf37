//! Two instances of a service on the folder's keys, and a client that logs in and uses its tokens while the driver is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keywheel_jwt::ring::{Options, Watch};
use keywheel_jwt::{Checks, KeyRing};
use serde::{Deserialize, Serialize};

use super::Files;

/// The policy says a second and a half, skew included; a token is used until shortly before its expiry.
const LIFETIME: f64 = 1.0;
const MARGIN: f64 = 0.1;

#[derive(Serialize, Deserialize)]
struct Claims {
    exp: u64,
}

#[derive(Debug)]
pub(super) struct Company {
    watches: Vec<Watch>,
    client: JoinHandle<(u64, u64)>,
    stop: Arc<AtomicBool>,
}

impl Company {
    pub(super) fn start(files: &Files<'_>) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut rings = Vec::new();
        let mut watches = Vec::new();
        for instance in ["one", "two"] {
            let options = Options {
                instance: instance.to_owned(),
                ..Options::default()
            };
            let ring = KeyRing::open_with(files.keys(), options)?;
            ring.write_report(&files.report(instance))?;
            watches.push(ring.watch(Duration::from_millis(40), Some(files.report(instance))));
            rings.push(ring);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let client = std::thread::spawn(move || work(&rings, &stopped));
        Ok(Self { watches, client, stop })
    }

    /// Tokens verified and refused.
    pub(super) fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let counts = self.client.join().expect("the client does not panic");
        self.watches.into_iter().for_each(Watch::stop);
        counts
    }
}

fn work(rings: &[KeyRing], stop: &AtomicBool) -> (u64, u64) {
    let checks = Checks::default();
    let (verified, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut tokens: Vec<(String, f64)> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // Whole seconds: rounded up, a token lives one to two seconds of the claim and LIFETIME of its use.
        let claims = Claims {
            exp: (seconds() + LIFETIME).ceil() as u64,
        };
        match rings[0].sign(&claims) {
            Ok(token) => tokens.push((token, seconds() + LIFETIME - MARGIN)),
            Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
        }
        tokens.retain(|(_, until)| seconds() < *until);
        for (token, _) in tokens.iter().rev().step_by(7) {
            for ring in rings {
                let accepted = ring.verify::<Claims>(token, &checks).is_ok();
                let count = if accepted { &verified } else { &refused };
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        pause(Duration::from_millis(10));
    }
    (verified.into_inner(), refused.into_inner())
}

#[expect(clippy::disallowed_methods, reason = "real tokens expire in real time")]
fn seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn pause(time: Duration) {
    crate::kills::pause(time);
}
