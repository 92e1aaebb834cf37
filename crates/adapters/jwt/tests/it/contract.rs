//! The contract of issuers, with verifiers of every kind that read what a delivery left behind.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::ports::{Clock, Issuer, VersionMaterial};
use keywheel_jwt::ring::{MANIFEST, ManifestKey};
use keywheel_jwt::{
    Algorithm, Jwk, JwkSet, KeyRing, KeyRingConfig, KeyRingIssuer, Manifest, PrivateKey, VerifierConfig,
};
use keywheel_testkit::contract;
use keywheel_testkit::contract::issuer::Fixture;

/// Stands still.
#[derive(Debug)]
struct Noon;

#[async_trait]
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_767_225_600, 0)
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    async fn sleep(&self, _time: SignedDuration) {}
}

/// What verifiers read: a ring, plain public keys, a published set.
fn deliver(folder: &Path, key: &PrivateKey) -> Vec<VerifierConfig> {
    let at = |name: &str| folder.join(name);
    fs::write(at("public.pem"), key.public().to_spki_pem()).unwrap();
    let jwk = Jwk::new(key.public(), key.algorithm());
    let kid = jwk.kid.clone();
    fs::write(at("jwks.json"), JwkSet { keys: vec![jwk] }.to_json().unwrap()).unwrap();
    let manifest = Manifest {
        credential: "goimg/jwt".to_owned(),
        revision: 1,
        primary: kid.clone(),
        keys: vec![ManifestKey {
            kid,
            alg: key.algorithm(),
            public: "public.pem".to_owned(),
            private: None,
        }],
    };
    fs::write(at(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
    vec![
        VerifierConfig::Ring(folder.to_owned()),
        VerifierConfig::PublicKeys(vec![at("public.pem"), at("old.pem")]),
        VerifierConfig::Jwks(at("jwks.json")),
    ]
}

/// A key that every verifier accepts; with a report about who uses it, or with none.
fn fixture(algorithm: Algorithm, reported: bool) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let key = PrivateKey::generate(algorithm, 2048).unwrap();
    let verifiers = deliver(folder.path(), &key);
    let report = folder.path().join("report.json");
    if reported {
        let mut written = KeyRing::open(folder.path()).unwrap().report();
        written.reported_at = Noon.now().as_second().unsigned_abs();
        fs::write(&report, serde_json::to_vec(&written).unwrap()).unwrap();
    }
    let config = KeyRingConfig {
        algorithm,
        bits: 2048,
        minimum_bits: 2048,
        verifiers,
        reports: reported.then_some(report).into_iter().collect(),
        ..KeyRingConfig::default()
    };
    let issuer = KeyRingIssuer::new(config, Arc::new(Noon)).unwrap();
    let material = issuer.adopt(key.to_pkcs8_pem().unwrap().as_bytes(), None).unwrap();
    let current = VersionMaterial {
        id: VersionId {
            credential: "goimg/jwt".parse().unwrap(),
            number: VersionNumber(1),
        },
        attributes: issuer.describe(&material).unwrap(),
        material,
    };
    Fixture {
        issuer: Arc::new(issuer),
        current,
        keep: Box::new(folder),
    }
}

#[tokio::test]
async fn key_rings_of_every_family_keep_the_contract_of_issuers() {
    for (algorithm, reported) in [
        (Algorithm::EdDsa, true),
        (Algorithm::Es256, false),
        (Algorithm::Ps256, true),
    ] {
        let fresh = move || -> std::pin::Pin<Box<dyn Future<Output = Fixture> + Send>> {
            Box::pin(std::future::ready(fixture(algorithm, reported)))
        };
        contract::issuer::check(&fresh).await;
    }
}
