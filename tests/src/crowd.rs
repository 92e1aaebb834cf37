//! Many credentials in one durable journal, all due at once, and how long it takes to rotate them.

mod calendar;
mod shelf;
mod stopwatch;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use keywheel_app::{Builder, Keywheel, Ports, Silent, Tally, Wiring};
use keywheel_domain::id::CredentialName;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::policy::{EvidenceRule, Policy};
use keywheel_domain::ports::{Clock, Issuer};
use keywheel_domain::schedule::Period;
use keywheel_local::config::KeyConfig;
use keywheel_local::{LocalKeys, OsEntropy};
use keywheel_sqlite::Sqlite;
use zeroize::Zeroizing;

use calendar::Calendar;
use shelf::Shelf;

pub use stopwatch::Stopwatch;

/// How many are adopted side by side.
const SIDE_BY_SIDE: usize = 16;

/// One of the crowd: what it is called, and the login that it has before Keywheel comes.
#[derive(Debug, Clone)]
pub struct Member {
    /// The credential.
    pub credential: CredentialName,
    /// The role or user.
    pub username: String,
    /// Its password, of a server that nobody else can reach.
    pub password: String,
}

/// A state file, a store in memory that shows every credential, and a calendar whose pages can be turned.
#[derive(Debug)]
pub struct Crowd {
    ports: Ports,
    calendar: Arc<Calendar>,
    shelf: Arc<Shelf>,
    _folder: tempfile::TempDir,
}

/// No waits: what is left is work.
pub fn instant() -> Policy {
    let mut policy = Policy::new(Period::months(3));
    for length in [
        &mut policy.grace,
        &mut policy.retention,
        &mut policy.soak,
        &mut policy.observe,
        &mut policy.notice,
        &mut policy.adopt_within,
        &mut policy.drain.quiet,
    ] {
        *length = SignedDuration::ZERO;
    }
    policy.drain.evidence = EvidenceRule::Required;
    policy
}

impl Crowd {
    /// An empty one.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        keywheel_local::create_key_file(&folder.path().join("keywheel.key"), &OsEntropy)
            .expect("the folder takes a key file");
        let config = KeyConfig {
            file: Some("keywheel.key".into()),
            env: None,
            old: Vec::new(),
        };
        let keys = LocalKeys::load(&config, folder.path(), &|_| None).expect("the key was just made");
        let sqlite = Sqlite::open(&folder.path().join("keywheel.db")).await;
        let sqlite = sqlite.expect("the folder takes a database");
        let calendar = Arc::new(Calendar::default());
        Self {
            ports: Ports {
                journal: sqlite.clone(),
                materials: sqlite.clone(),
                audit: sqlite,
                keys: Arc::new(keys),
                clock: calendar.clone(),
                entropy: Arc::new(OsEntropy),
            },
            calendar,
            shelf: Arc::default(),
            _folder: folder,
        }
    }

    /// The time of the crowd.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.calendar.clone()
    }

    /// A façade without credentials.
    pub fn builder(&self) -> Builder {
        Keywheel::builder(self.ports.clone(), "bench".parse().expect("it is a plain word"))
    }

    /// What a credential of the crowd is wired to, behind a bulkhead of that name.
    pub fn wiring(&self, issuer: impl Issuer + 'static, policy: Policy, bulkhead: &str) -> Wiring {
        Wiring {
            bulkhead: Some(bulkhead.to_owned()),
            stores: vec![self.shelf.clone()],
            ..Wiring::new("password", policy, Arc::new(issuer))
        }
    }

    /// Takes all of them over as of a year ago, so that they are due.
    pub async fn adopt(&self, keywheel: &Keywheel, members: &[Member]) {
        let a_year_ago = self.calendar.now() - SignedDuration::from_hours(365 * 24);
        let adopt = async |member: &Member| {
            let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
            let material = Material::single("username", secret(&member.username));
            let material = material.with("password", secret(&member.password));
            let adopted = keywheel.adopt(&member.credential, &material, a_year_ago, "bench");
            adopted.await.expect("the login works");
        };
        stream::iter(members).for_each_concurrent(SIDE_BY_SIDE, adopt).await;
    }

    /// Rotates everything that is due, so many at a time, and nothing else may come of it than that `count` are completed.
    /// How long it took.
    pub async fn rotate(&self, keywheel: &Keywheel, count: usize, at_a_time: usize) -> SignedDuration {
        let scheduler = keywheel.scheduler("bench").workers(at_a_time).per_bulkhead(at_a_time);
        let begun = self.calendar.monotonic();
        let tally = scheduler.run_once(&Silent, std::future::pending()).await;
        let took = self.calendar.monotonic() - begun;
        let expected = Tally {
            opened: count,
            completed: count,
            ..Tally::default()
        };
        assert_eq!(tally.expect("the journal works"), expected);
        took
    }

    /// Turns the pages: what was rotated is due again.
    pub fn next_period(&self) {
        self.calendar.turn(SignedDuration::from_hours(100 * 24));
    }
}
