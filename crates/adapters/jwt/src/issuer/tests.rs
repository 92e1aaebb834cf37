use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::VersionNumber;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Retry, Severity};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::jwk::{Jwk, JwkSet};
use crate::key::Algorithm;
use crate::ring::{KeyRing, Options, Report};
use crate::testing::{RingFolder, kid, pkcs1_pem, quick_keys, rsa_key};

const NOW: i64 = 1_700_000_000;

/// A clock that stands still, and entropy that nobody may ask for.
#[derive(Debug)]
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    async fn sleep(&self, _time: SignedDuration) {}
}

impl Entropy for Still {
    fn fill(&self, _buffer: &mut [u8]) -> Result<(), PortError> {
        panic!("the engine has its own source")
    }
}

fn issuer(verifiers: Vec<VerifierConfig>) -> KeyRingIssuer {
    issuer_with(KeyRingConfig {
        verifiers,
        ..KeyRingConfig::default()
    })
}

fn issuer_with(config: KeyRingConfig) -> KeyRingIssuer {
    KeyRingIssuer::new(
        KeyRingConfig {
            algorithm: Algorithm::EdDsa,
            ..config
        },
        Arc::new(Still),
    )
    .unwrap()
}

fn id(number: u64) -> VersionId {
    VersionId {
        credential: "goimg/jwt".parse().unwrap(),
        number: VersionNumber(number),
    }
}

fn version(number: u64, key: &PrivateKey) -> VersionMaterial {
    let material = material::of(key).unwrap();
    let attributes = material::describe(&material).unwrap();
    VersionMaterial {
        id: id(number),
        material,
        attributes,
    }
}

fn ring(keys: &[&PrivateKey]) -> (RingFolder, VerifierConfig) {
    let folder = RingFolder::new();
    folder.deliver(1, keys, false);
    let config = VerifierConfig::Ring(folder.path().to_owned());
    (folder, config)
}

#[tokio::test]
async fn a_generated_key_is_described_the_same_way_every_time() {
    let issuer = issuer(vec![VerifierConfig::Jwks("/nowhere".into())]);
    let material = issuer.generate(&id(2), None, &Still).await.unwrap();
    let attributes = issuer.describe(&material).unwrap();
    assert_eq!(issuer.describe(&material).unwrap(), attributes);
    assert_eq!(
        (attributes["alg"].as_str(), attributes["bits"].as_str()),
        ("EdDSA", "256")
    );
    let public = PublicKey::from_pem(attributes["public_pem"].as_bytes()).unwrap();
    let jwk: Jwk = serde_json::from_str(&attributes["jwk"]).unwrap();
    assert_eq!(
        (public.kid().as_str(), jwk.kid.as_str()),
        (attributes["kid"].as_str(), attributes["kid"].as_str())
    );
}

#[test]
fn a_key_keeps_its_algorithm_whatever_the_configuration_says_later() {
    let pem = rsa_key().to_pkcs8_pem().unwrap();
    let pss = PrivateKey::from_pem(pem.as_bytes(), Some(Algorithm::Ps256), 2048).unwrap();
    let described = issuer(vec![VerifierConfig::Jwks("/nowhere".into())]).describe(&material::of(&pss).unwrap());
    assert_eq!(described.unwrap()["alg"], "PS256");
}

#[test]
fn a_material_of_another_kind_is_invalid() {
    let password = Material::single("password", Secret::new(Zeroizing::new(b"x".to_vec())));
    let refused = issuer(vec![VerifierConfig::Jwks("/nowhere".into())])
        .describe(&password)
        .unwrap_err();
    assert_eq!((refused.kind, refused.retry), (ErrorKind::Invalid, Retry::Never));
}

#[test]
fn an_adopted_pair_takes_the_configured_algorithm_if_it_can_and_the_policys_size_counts() {
    let jwks = || vec![VerifierConfig::Jwks("/nowhere".into())];
    let config = |minimum_bits| KeyRingConfig {
        verifiers: jwks(),
        minimum_bits,
        ..KeyRingConfig::default()
    };
    let pss = KeyRingConfig {
        algorithm: Algorithm::Ps256,
        ..config(2048)
    };
    let adopts = KeyRingIssuer::new(pss, Arc::new(Still)).unwrap();
    let (old, public) = (pkcs1_pem(rsa_key()), rsa_key().public().to_spki_pem());
    let material = adopts.adopt(old.as_bytes(), Some(public.as_bytes())).unwrap();
    assert_eq!(adopts.describe(&material).unwrap()["alg"], "PS256");
    let other = quick_keys()[0].public().to_spki_pem();
    let mismatch = adopts.adopt(old.as_bytes(), Some(other.as_bytes())).unwrap_err();
    assert!(matches!(mismatch, KeyError::PairMismatch { .. }));
    let strict = issuer_with(config(4096));
    assert!(matches!(
        strict.adopt(old.as_bytes(), None),
        Err(KeyError::TooSmall { .. })
    ));
    let relaxed = issuer_with(config(2048)).adopt(old.as_bytes(), None).unwrap();
    assert_eq!(adopts.describe(&relaxed).unwrap()["alg"], "RS256");
}

#[tokio::test]
async fn a_version_is_proven_when_every_verifier_accepts_it_and_dead_when_none_does() {
    let [a, b, c, ..] = quick_keys();
    let ((_one, first), (_two, second)) = (ring(&[a, b]), ring(&[a]));
    let issuer = issuer(vec![first, second]);
    let proof = issuer.prove(&version(1, a)).await.unwrap();
    assert_eq!(
        (proof.kind, proof.subject.as_str()),
        (EvidenceKind::Accepted, "goimg/jwt#1")
    );
    assert!(proof.detail.contains("2 of 2"), "{}", proof.detail);
    assert_eq!(issuer.prove(&version(2, b)).await.unwrap_err().kind, ErrorKind::Refused);
    assert_eq!(
        issuer.prove_dead(&version(2, b)).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        issuer.prove_dead(&version(3, c)).await.unwrap().kind,
        EvidenceKind::Refused
    );
}

#[tokio::test]
async fn a_verifier_that_cannot_be_read_is_neither_dead_nor_alive() {
    let [a, b, ..] = quick_keys();
    let (folder, first) = ring(&[a]);
    let issuer = issuer(vec![first, VerifierConfig::Ring("/nowhere/at/all".into())]);
    for kind in [
        issuer.prove(&version(1, a)).await.unwrap_err(),
        issuer.prove_dead(&version(2, b)).await.unwrap_err(),
    ] {
        assert_eq!((kind.kind, kind.retry), (ErrorKind::Unavailable, Retry::Later));
        assert!(kind.chain().contains("/nowhere/at/all"), "{}", kind.chain());
    }
    // One that still accepts is certain, whatever the other one would say.
    assert_eq!(
        issuer.prove_dead(&version(1, a)).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    fs::write(folder.path().join("..set-1/public-0.pem"), "damaged").unwrap();
    assert_eq!(issuer.prove(&version(1, a)).await.unwrap_err().kind, ErrorKind::Storage);
}

#[tokio::test]
async fn plain_public_keys_and_key_sets_are_verifiers_too() {
    let [a, b, ..] = quick_keys();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let set = JwkSet {
        keys: vec![Jwk::new(a.public(), a.algorithm())],
    };
    fs::write(path("jwks.json"), set.to_json().unwrap()).unwrap();
    fs::write(path("new.pem"), a.public().to_spki_pem()).unwrap();
    let files = vec![path("new.pem"), path("old.pem")];
    let issuer = issuer(vec![
        VerifierConfig::Jwks(path("jwks.json")),
        VerifierConfig::PublicKeys(files),
    ]);
    assert!(issuer.prove(&version(1, a)).await.is_ok());
    assert!(issuer.prove_dead(&version(2, b)).await.is_ok());
    assert_eq!(
        issuer.inventory().await.unwrap(),
        [Held {
            id: kid(a).to_string(),
            name: None
        }]
    );
    fs::remove_file(path("new.pem")).unwrap();
    assert_eq!(
        issuer.prove_dead(&version(2, b)).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn preflight_tells_strange_keys_a_missing_version_and_a_missing_verifier_apart() {
    let [a, b, ..] = quick_keys();
    let ((_one, first), (_two, second)) = (ring(&[a, b]), ring(&[b]));
    let issuer = issuer(vec![first, second, VerifierConfig::Ring("/nowhere".into())]);
    let findings = issuer.preflight(Some(&version(1, a))).await.unwrap();
    let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
    use Severity::{Blocker, Fine, Warning};
    assert_eq!(severities, [Warning, Fine, Warning, Blocker, Blocker]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Fine || !finding.fix.is_empty())
    );
}

#[tokio::test]
async fn before_an_adoption_no_key_is_strange_and_a_verifier_may_be_missing() {
    let (_folder, verifier) = ring(&quick_keys()[..1].iter().collect::<Vec<_>>());
    let issuer = issuer(vec![verifier, VerifierConfig::Ring("/nowhere".into())]);
    let findings = issuer.preflight(None).await.unwrap();
    let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Fine, Severity::Warning]);
}

/// A report as an instance writes it, whose last token of `key` came `ago` seconds ago.
fn write_report(path: &Path, key: &PrivateKey, ago: Option<u64>, age: u64) {
    let (folder, _) = ring(&[key]);
    let clock = Arc::new(move || NOW as u64 - age);
    let ring = KeyRing::open_with(
        folder.path(),
        Options {
            instance: "api-1".to_owned(),
            clock,
        },
    )
    .unwrap();
    let mut report: Report = ring.report();
    if let Some(ago) = ago {
        report.verifications.insert(kid(key), 3);
        report.last_verified.insert(kid(key), NOW as u64 - ago);
    }
    fs::write(path, serde_json::to_vec(&report).unwrap()).unwrap();
}

#[tokio::test]
async fn usage_is_what_the_reports_say() {
    let key = &quick_keys()[0];
    let folder = TempDir::new().unwrap();
    let (_ring, verifier) = ring(&[key]);
    let config = KeyRingConfig {
        verifiers: vec![verifier],
        reports: vec![folder.path().to_owned()],
        ..KeyRingConfig::default()
    };
    let issuer = issuer_with(config);
    let usage = async || issuer.usage(&version(1, key), Timestamp::UNIX_EPOCH).await;
    assert_eq!(usage().await.unwrap_err().kind, ErrorKind::Unavailable);

    write_report(&folder.path().join("quiet.json"), key, Some(61), 0);
    write_report(&folder.path().join("idle.json"), key, None, 0);
    assert!(matches!(usage().await.unwrap(), Usage::Unused(facts) if facts.len() == 2));

    write_report(&folder.path().join("busy.json"), key, Some(59), 0);
    let Usage::InUse(facts) = usage().await.unwrap() else {
        panic!("it is in use")
    };
    assert!(
        facts[0].subject.contains("api-1") && facts[0].detail.contains('3'),
        "{facts:?}"
    );

    write_report(&folder.path().join("gone.json"), key, None, 61);
    assert_eq!(usage().await.unwrap_err().kind, ErrorKind::Unavailable);
    let findings = issuer.preflight(Some(&version(1, key))).await.unwrap();
    assert_eq!(
        findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
            .count(),
        1
    );
}

#[tokio::test]
async fn without_reports_nobody_can_tell_who_uses_a_key() {
    let key = &quick_keys()[0];
    let (_folder, verifier) = ring(&[key]);
    assert_eq!(
        issuer(vec![verifier])
            .usage(&version(1, key), Timestamp::UNIX_EPOCH)
            .await
            .unwrap(),
        Usage::Untold
    );
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_private_key() {
    let key = &quick_keys()[0];
    let (_folder, verifier) = ring(&[key]);
    let issuer = issuer(vec![verifier]);
    let version = version(1, key);
    let pem = key.to_pkcs8_pem().unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let proof = issuer.prove(&version).await.unwrap();
    let findings = issuer.preflight(Some(&version)).await.unwrap();
    let error = issuer.prove_dead(&version).await.unwrap_err();
    let shown = format!("{issuer:?} {version:?} {proof:?} {findings:?} {error:?} {key:?}");
    assert!(!shown.contains(secret));
}
