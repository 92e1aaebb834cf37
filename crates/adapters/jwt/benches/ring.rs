//! How much the key ring costs above the libraries that it stands on. Prints one JSON object per figure.
//!
//! Ours and the baseline take turns in short rounds, and medians are compared, so that whatever else the machine does
//! falls on both.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use jsonwebtoken::{DecodingKey, Validation};
use keywheel_jwt::ring::{MANIFEST, ManifestKey};
use keywheel_jwt::{Algorithm, Checks, KeyRing, Manifest, PrivateKey};
use rsa::pkcs8::der::pem::decode_vec;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

const ROUNDS: usize = 200;
/// How long a search for primes takes varies so much that the medians of thirty still cross a goal by chance.
const GENERATIONS: usize = 60;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
    scope: String,
}

/// One line of the output. `ours` and `baseline` are in the unit that the name ends with.
#[derive(Serialize)]
struct Figure {
    name: &'static str,
    ours: f64,
    baseline: Option<f64>,
    baseline_name: &'static str,
    ratio: Option<f64>,
    goal: String,
    holds: bool,
}

enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

fn main() -> io::Result<()> {
    // Cargo passes `--bench`, and whoever reads figures passes `--json`; there is nothing to choose.
    let keys: Vec<PrivateKey> = (0..5).map(|_| generate()).collect();
    let (one_folder, one) = ring(&keys[..1])?;
    let (five_folder, five) = ring(&keys)?;
    print(&verification("verify_rs256_4096_with_1_key_per_s", &one, &keys[0]))?;
    print(&verification("verify_rs256_4096_with_5_keys_per_s", &five, &keys[0]))?;
    print(&by_kid(&five, &keys))?;
    print(&signing(&one, &keys[0]))?;
    print(&generation())?;
    drop((one_folder, five_folder));
    Ok(())
}

fn verification(name: &'static str, ring: &KeyRing, key: &PrivateKey) -> Figure {
    let token = ring.sign(&claims()).expect("the ring has its primary's private key");
    let (bare, demands) = (decoding_key(key), demands());
    let checks = Checks::from(demands.clone());
    let (ours, baseline) = rates(
        20,
        || assert!(ring.verify::<Claims>(black_box(&token), &checks).is_ok()),
        || assert!(jsonwebtoken::decode::<Claims>(black_box(&token), &bare, &demands).is_ok()),
    );
    Figure::new(
        name,
        ours,
        Some(baseline),
        "jsonwebtoken with one known key",
        Goal::AtLeast(0.97),
    )
}

fn by_kid(ring: &KeyRing, keys: &[PrivateKey]) -> Figure {
    let token = ring.sign(&claims()).expect("the ring has its primary's private key");
    let demands = demands();
    let checks = Checks::from(demands.clone());
    let bare: Vec<DecodingKey> = keys.iter().rev().map(decoding_key).collect();
    let try_all = |token| {
        bare.iter()
            .any(|key| jsonwebtoken::decode::<Claims>(token, key, &demands).is_ok())
    };
    let (ours, baseline) = rates(
        5,
        || assert!(ring.verify::<Claims>(black_box(&token), &checks).is_ok()),
        || assert!(try_all(black_box(&token))),
    );
    let name = "verify_by_kid_with_5_keys_per_s";
    Figure::new(
        name,
        ours,
        Some(baseline),
        "jsonwebtoken trying 5 keys, the right one last",
        Goal::AtLeast(1.0),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the engine asks for a generator and does not use it"
)]
fn signing(ring: &KeyRing, key: &PrivateKey) -> Figure {
    let pem = key.to_pkcs8_pem().expect("the key can be exported");
    let (_, der) = decode_vec(pem.as_bytes()).expect("the key was just written");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("the key was just written");
    let token = ring.sign(&claims()).expect("the ring has its primary's private key");
    let message = token.rsplit_once('.').expect("a token has three parts").0;
    let random = SystemRandom::new();
    let mut signature = vec![0; pair.public_modulus_len()];
    let (ours, baseline) = rates(
        2,
        || drop(black_box(ring.sign(&claims()).expect("signed before"))),
        || {
            pair.sign(
                &RSA_PKCS1_SHA256,
                &random,
                black_box(message.as_bytes()),
                &mut signature,
            )
            .expect("signs")
        },
    );
    let name = "sign_rs256_4096_per_s";
    Figure::new(
        name,
        ours,
        Some(baseline),
        "aws-lc-rs with a parsed key",
        Goal::AtLeast(0.9),
    )
}

fn generation() -> Figure {
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..GENERATIONS {
        ours.push(1e3 * seconds(|| drop(black_box(generate()))));
        let mut there = false;
        let took = seconds(|| there = openssl_genrsa());
        if there {
            baseline.push(1e3 * took);
        }
    }
    let (name, goal) = ("generate_rsa_4096_ms", Goal::AtMost(0.55));
    if baseline.len() < GENERATIONS {
        return Figure::new(
            name,
            median(ours),
            None,
            "openssl genrsa 4096 (unavailable: no openssl here)",
            goal,
        );
    }
    Figure::new(name, median(ours), Some(median(baseline)), "openssl genrsa 4096", goal)
}

/// Whether the program is there and did it.
fn openssl_genrsa() -> bool {
    let mut command = Command::new("openssl");
    command
        .args(["genrsa", "4096"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Figure {
    fn new(name: &'static str, ours: f64, baseline: Option<f64>, baseline_name: &'static str, goal: Goal) -> Self {
        let ratio = baseline.map(|baseline| ours / baseline);
        // What could not be compared does not hold.
        let holds = ratio.is_some_and(|ratio| match goal {
            Goal::AtLeast(limit) => ratio >= limit,
            Goal::AtMost(limit) => ratio <= limit,
        });
        let goal = match goal {
            Goal::AtLeast(limit) => format!(">= {limit}"),
            Goal::AtMost(limit) => format!("<= {limit}"),
        };
        Self {
            name,
            ours,
            baseline,
            baseline_name,
            ratio,
            goal,
            holds,
        }
    }
}

fn print(figure: &Figure) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, figure)?;
    out.write_all(b"\n")
}

/// Calls per second of both, in the median of rounds of `batch` calls that take turns.
fn rates(batch: usize, mut ours: impl FnMut(), mut baseline: impl FnMut()) -> (f64, f64) {
    let (mut of_ours, mut of_baseline) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever goes second finds warmer caches, so the order changes too.
        if round % 2 == 0 {
            of_ours.push(seconds(|| (0..batch).for_each(|_| ours())));
            of_baseline.push(seconds(|| (0..batch).for_each(|_| baseline())));
        } else {
            of_baseline.push(seconds(|| (0..batch).for_each(|_| baseline())));
            of_ours.push(seconds(|| (0..batch).for_each(|_| ours())));
        }
    }
    let calls = batch as f64;
    (calls / median(of_ours), calls / median(of_baseline))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the real clock")]
fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn generate() -> PrivateKey {
    PrivateKey::generate(Algorithm::Rs256, 4096).expect("the engine makes keys")
}

fn claims() -> Claims {
    Claims {
        sub: "user-4711".to_owned(),
        iss: "https://auth.example".to_owned(),
        aud: "api".to_owned(),
        iat: 1_700_000_000,
        exp: 4_000_000_000,
        scope: "read write".to_owned(),
    }
}

fn demands() -> Validation {
    let mut demands = Validation::new(jsonwebtoken::Algorithm::RS256);
    demands.set_audience(&["api"]);
    demands.set_issuer(&["https://auth.example"]);
    demands
}

fn decoding_key(key: &PrivateKey) -> DecodingKey {
    DecodingKey::from_rsa_pem(key.public().to_spki_pem().as_bytes()).expect("the key was just written")
}

/// A ring of these keys that signs with the first.
fn ring(keys: &[PrivateKey]) -> io::Result<(TempDir, KeyRing)> {
    let folder = TempDir::new()?;
    let mut entries = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        entries.push(write_key(folder.path(), place, key)?);
    }
    let primary = keys[0].public().kid().clone();
    let manifest = Manifest {
        credential: "bench/jwt".to_owned(),
        revision: 1,
        primary,
        keys: entries,
    };
    std::fs::write(folder.path().join(MANIFEST), serde_json::to_vec(&manifest)?)?;
    let ring = KeyRing::open(folder.path()).map_err(io::Error::other)?;
    Ok((folder, ring))
}

fn write_key(folder: &Path, place: usize, key: &PrivateKey) -> io::Result<ManifestKey> {
    let public = format!("public-{place}.pem");
    std::fs::write(folder.join(&public), key.public().to_spki_pem())?;
    let private = (place == 0).then(|| "private.pem".to_owned());
    if let Some(name) = &private {
        std::fs::write(folder.join(name), key.to_pkcs8_pem().map_err(io::Error::other)?)?;
    }
    Ok(ManifestKey {
        kid: key.public().kid().clone(),
        alg: key.algorithm(),
        public,
        private,
    })
}
