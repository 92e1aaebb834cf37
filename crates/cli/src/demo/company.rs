//! The company of the demonstration: three instances of a service with a real `KeyRing` each, and clients that log in and use
//! their tokens without pause.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use keywheel_jwt::ring::{Options, RingError, Watch};
use keywheel_jwt::{Checks, KeyRing, Refusal};
use serde::{Deserialize, Serialize};

use super::now_seconds;

/// How long a token lives, in seconds; the policy of the demonstration says the same.
pub(super) const TOKEN_SECONDS: f64 = 3.0;
/// A client stops using a token this long before it expires, so that a slow moment is not taken for a refusal.
const MARGIN_SECONDS: f64 = 0.5;
const INSTANCES: [&str; 3] = ["auth-1", "api-1", "api-2"];
const CLIENTS: usize = 2;
/// How many uses a client makes of its tokens between two logins.
const USES_PER_LOGIN: usize = 60;
const RELOAD_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// What the clients saw.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) signed: AtomicU64,
    pub(super) verified: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// The running company. It stops when it is dropped.
pub(super) struct Company {
    rings: Vec<KeyRing>,
    watches: Vec<Watch>,
    clients: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

impl Company {
    /// Starts every instance on the folder of keys, with reports to `reports`, and the clients.
    pub(super) fn start(keys: &Path, reports: &Path) -> anyhow::Result<Self> {
        let mut company = Self {
            rings: Vec::new(),
            watches: Vec::new(),
            clients: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
            tally: Arc::new(Tally::default()),
        };
        for name in INSTANCES {
            let ring = open(keys, name).with_context(|| format!("the service {name} could not load its keys"))?;
            let report = reports.join(format!("{name}.json"));
            ring.write_report(&report)?;
            company.watches.push(ring.watch(RELOAD_EVERY, Some(report)));
            company.rings.push(ring);
        }
        for _ in 0..CLIENTS {
            let client = Client::new(&company);
            company.clients.push(std::thread::spawn(move || client.run()));
        }
        Ok(company)
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Tokens signed and accepted, by key id, over all instances.
    pub(super) fn by_key(&self) -> std::collections::BTreeMap<String, (u64, u64)> {
        let mut keys = std::collections::BTreeMap::<String, (u64, u64)>::new();
        for report in self.rings.iter().map(KeyRing::report) {
            for (kid, count) in &report.signed {
                keys.entry(kid.as_str().to_owned()).or_default().0 += count;
            }
            for (kid, count) in &report.verifications {
                keys.entry(kid.as_str().to_owned()).or_default().1 += count;
            }
        }
        keys
    }

    /// A token that a thief signs right now with a copy of the old key: the refusal of each instance, or `None` where one accepts
    /// it.
    pub(super) fn try_stolen_key(&self, stolen: &Path) -> anyhow::Result<Vec<Option<Refusal>>> {
        let thief = open(stolen, "thief").context("the copy of the old keys could not be loaded")?;
        let token = thief.sign(&claims())?;
        let checks = Checks::default();
        Ok(self
            .rings
            .iter()
            .map(|ring| ring.verify::<Claims>(&token, &checks).err())
            .collect())
    }

    /// Ends the clients and the instances; what they counted stays.
    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            // A client that panicked has said so on stderr; its count so far stands.
            let _ = client.join();
        }
        self.watches.clear();
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open(folder: &Path, instance: &str) -> Result<KeyRing, RingError> {
    let options = Options {
        instance: instance.to_owned(),
        ..Options::default()
    };
    KeyRing::open_with(folder, options)
}

fn claims() -> Claims {
    Claims {
        sub: "alice".to_owned(),
        exp: (now_seconds() + TOKEN_SECONDS) as u64,
    }
}

struct Client {
    rings: Vec<KeyRing>,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

impl Client {
    fn new(company: &Company) -> Self {
        Self {
            rings: company.rings.clone(),
            stop: company.stop.clone(),
            tally: company.tally.clone(),
        }
    }

    /// Logs in, uses every token that is still good at every instance in turn, logs in again.
    fn run(self) {
        let checks = Checks::default();
        let mut tokens: Vec<(String, f64)> = Vec::new();
        let mut turn = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let claims = claims();
            match self.rings[0].sign(&claims) {
                Ok(token) => {
                    self.tally.signed.fetch_add(1, Ordering::Relaxed);
                    tokens.push((token, claims.exp as f64 - MARGIN_SECONDS));
                }
                Err(_) => {
                    self.tally.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            for _ in 0..USES_PER_LOGIN {
                let now = now_seconds();
                tokens.retain(|(_, good_until)| now < *good_until);
                let Some((token, _)) = tokens.get(turn % tokens.len().max(1)) else {
                    break;
                };
                let accepted = self.rings[turn % self.rings.len()]
                    .verify::<Claims>(token, &checks)
                    .is_ok();
                let count = if accepted {
                    &self.tally.verified
                } else {
                    &self.tally.refused
                };
                count.fetch_add(1, Ordering::Relaxed);
                turn += 1;
            }
        }
    }
}

pub(super) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
