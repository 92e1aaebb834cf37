mod reload;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as Jose, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use super::*;
use crate::key::{Algorithm, PrivateKey};
use crate::testing::{FAR, RingFolder, kid, quick_keys, rsa_key};

fn claims() -> Value {
    json!({ "sub": "7", "exp": FAR })
}

/// A ring of these keys that signs with the first.
fn ring_of(keys: &[&PrivateKey]) -> (RingFolder, KeyRing) {
    let folder = RingFolder::new();
    folder.deliver(1, keys, true);
    let ring = KeyRing::open(folder.path()).unwrap();
    (folder, ring)
}

fn verify(ring: &KeyRing, token: &str) -> Result<Verified<Value>, Refusal> {
    ring.verify(token, &Checks::default())
}

/// A token of `key` with a header of the test's choice.
fn forge(key: &PrivateKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()).unwrap());
    format!("{message}.{signature}")
}

#[test]
fn what_a_ring_signs_it_accepts_with_every_algorithm() {
    let p256 = PrivateKey::generate(Algorithm::Es256, 0).unwrap();
    let pem = rsa_key().to_pkcs8_pem().unwrap();
    let pss = PrivateKey::from_pem(pem.as_bytes(), Some(Algorithm::Ps256), 2048).unwrap();
    for key in [rsa_key(), &pss, &p256, &quick_keys()[0]] {
        let (_folder, ring) = ring_of(&[key]);
        let token = ring.sign(&claims()).unwrap();
        assert_eq!(
            verify(&ring, &token),
            Ok(Verified {
                claims: claims(),
                kid: kid(key)
            })
        );
    }
}

#[test]
fn other_libraries_accept_what_a_ring_signs_and_it_accepts_theirs() {
    let (_folder, ring) = ring_of(&[rsa_key()]);
    let public = DecodingKey::from_rsa_pem(rsa_key().public().to_spki_pem().as_bytes()).unwrap();
    let ours = ring.sign(&claims()).unwrap();
    let read = jsonwebtoken::decode::<Value>(&ours, &public, &Validation::new(Jose::RS256)).unwrap();
    assert_eq!(
        (read.header.kid.unwrap(), read.claims),
        (kid(rsa_key()).to_string(), claims())
    );

    let private = EncodingKey::from_rsa_pem(rsa_key().to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    let header = Header {
        kid: Some(kid(rsa_key()).to_string()),
        ..Header::new(Jose::RS256)
    };
    let theirs = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
    assert!(verify(&ring, &theirs).is_ok());
}

#[test]
fn a_kid_that_no_key_has_is_refused() {
    let [a, b, ..] = quick_keys();
    let (_folder, ring) = ring_of(&[a]);
    let (_other_folder, other) = ring_of(&[b]);
    let token = other.sign(&claims()).unwrap();
    assert_eq!(verify(&ring, &token), Err(Refusal::UnknownKid));
    assert_eq!(ring.report().refused["unknown_kid"], 1);
}

#[test]
fn a_kid_that_no_key_has_does_not_fall_back_to_trying_every_key() {
    let key = &quick_keys()[0];
    let (_folder, ring) = ring_of(&[key]);
    let token = forge(key, &json!({ "alg": "EdDSA", "kid": "somebody" }), &claims());
    assert_eq!(verify(&ring, &token), Err(Refusal::UnknownKid));
}

#[test]
fn a_token_without_a_kid_is_tried_with_every_accepted_key() {
    let [a, b, c, d, _] = quick_keys();
    let (_folder, ring) = ring_of(&[a, rsa_key(), b, c]);
    for key in [a, b, c] {
        let token = forge(key, &json!({ "alg": "EdDSA" }), &claims());
        assert_eq!(verify(&ring, &token).unwrap().kid, kid(key));
    }
    let stranger = forge(d, &json!({ "alg": "EdDSA" }), &claims());
    assert_eq!(verify(&ring, &stranger), Err(Refusal::BadSignature));
    let expired = forge(c, &json!({ "alg": "EdDSA" }), &json!({ "exp": 1 }));
    assert_eq!(verify(&ring, &expired), Err(Refusal::Expired));
}

#[test]
fn the_key_dictates_the_algorithm() {
    let (_folder, ring) = ring_of(&[rsa_key()]);
    let spki = rsa_key().public().to_spki_pem();
    let with = |header: Value| forge(rsa_key(), &header, &claims());
    let name = kid(rsa_key());
    for algorithm in ["none", "None", "HS256", "HS512", "RS384", "PS256", "ES256", "EdDSA", ""] {
        for header in [json!({ "alg": algorithm, "kid": name }), json!({ "alg": algorithm })] {
            assert_eq!(
                verify(&ring, &with(header)),
                Err(Refusal::WrongAlgorithm),
                "{algorithm}"
            );
        }
    }
    // The classic confusion: an HMAC whose secret is the public key.
    let header = Header {
        kid: Some(name.to_string()),
        ..Header::new(Jose::HS256)
    };
    let confused = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(spki.as_bytes())).unwrap();
    assert_eq!(verify(&ring, &confused), Err(Refusal::WrongAlgorithm));
}

#[test]
fn a_token_that_was_changed_is_refused() {
    let (_folder, ring) = ring_of(&[&quick_keys()[0]]);
    let token = ring.sign(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(json!({ "sub": "8", "exp": FAR }).to_string());
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    assert_eq!(verify(&ring, &forged), Err(Refusal::BadSignature));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(verify(&ring, &unsigned), Err(Refusal::BadSignature));
}

#[test]
fn a_header_that_demands_an_extension_is_refused() {
    let key = &quick_keys()[0];
    let (_folder, ring) = ring_of(&[key]);
    let header = json!({ "alg": "EdDSA", "kid": kid(key), "crit": ["b64"], "b64": false });
    assert_eq!(
        verify(&ring, &forge(key, &header, &claims())),
        Err(Refusal::UnknownExtension)
    );
}

#[test]
fn what_is_no_token_is_malformed() {
    let (_folder, ring) = ring_of(&[&quick_keys()[0]]);
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","alg":"none"}"#);
    let long = format!("{}.e30.x", "A".repeat(20_000));
    for text in [
        "",
        "x",
        ".",
        "..",
        "a.b.c",
        "e30.e30.e30",
        &format!("{twice}.e30.x"),
        &long,
    ] {
        assert_eq!(verify(&ring, text), Err(Refusal::Malformed), "{text:.40}");
    }
}

#[test]
fn claims_are_checked_as_the_application_demands() {
    let key = &quick_keys()[0];
    let (_folder, ring) = ring_of(&[key]);
    let mut demands = Validation::default();
    demands.set_audience(&["api"]);
    demands.set_issuer(&["auth"]);
    demands.set_required_spec_claims(&["exp", "aud", "iss"]);
    demands.validate_nbf = true;
    let checks = Checks::from(demands);
    let verdict = |claims: Value| ring.verify::<Value>(&ring.sign(&claims).unwrap(), &checks).err();
    assert_eq!(
        verdict(json!({ "exp": FAR, "aud": ["api", "web"], "iss": "auth" })),
        None
    );
    assert_eq!(
        verdict(json!({ "exp": 1, "aud": "api", "iss": "auth" })),
        Some(Refusal::Expired)
    );
    assert_eq!(
        verdict(json!({ "exp": FAR, "aud": "web", "iss": "auth" })),
        Some(Refusal::WrongAudience)
    );
    assert_eq!(
        verdict(json!({ "exp": FAR, "aud": "api", "iss": "me" })),
        Some(Refusal::WrongIssuer)
    );
    let early = json!({ "exp": FAR, "nbf": FAR, "aud": "api", "iss": "auth" });
    assert_eq!(verdict(early), Some(Refusal::NotYetValid));
    let bare = verdict(json!({ "exp": FAR, "aud": "api" }));
    assert_eq!(
        bare,
        Some(Refusal::MissingClaim {
            claim: "iss".to_owned()
        })
    );
    assert_eq!(
        verdict(json!({ "exp": "soon", "aud": "api", "iss": "auth" }))
            .unwrap()
            .reason(),
        Reason::MissingClaim
    );
}

#[test]
fn claims_that_do_not_fit_the_applications_type_are_refused() {
    let (_folder, ring) = ring_of(&[&quick_keys()[0]]);
    let token = ring.sign(&claims()).unwrap();
    let refusal = ring.verify::<Vec<u8>>(&token, &Checks::default()).unwrap_err();
    assert_eq!(refusal.reason(), Reason::BadClaims);
}

#[test]
fn a_folder_without_private_keys_makes_a_ring_that_only_verifies() {
    let key = &quick_keys()[0];
    let (_folder, signer) = ring_of(&[key]);
    let folder = RingFolder::new();
    folder.deliver(1, &[key], false);
    let verifier = KeyRing::open(folder.path()).unwrap();
    assert!(verify(&verifier, &signer.sign(&claims()).unwrap()).is_ok());
    assert!(matches!(verifier.sign(&claims()), Err(SignError::VerifierOnly)));
    assert!(!verifier.report().signs && signer.report().signs);
}

#[test]
fn claims_that_are_no_object_are_not_signed() {
    let (_folder, ring) = ring_of(&[&quick_keys()[0]]);
    assert!(matches!(ring.sign(&"text"), Err(SignError::NotAnObject)));
}

#[test]
fn the_report_tells_who_signed_and_who_was_verified_and_when() {
    let [a, b, ..] = quick_keys();
    let folder = RingFolder::new();
    folder.deliver(7, &[a, b], true);
    let options = Options {
        instance: "api-1".to_owned(),
        clock: Arc::new(|| 1_000),
    };
    let ring = KeyRing::open_with(folder.path(), options).unwrap();
    for _ in 0..3 {
        verify(&ring, &ring.sign(&claims()).unwrap()).unwrap();
    }
    let report = ring.report();
    assert_eq!(
        (report.instance.as_str(), report.credential.as_str(), report.revision),
        ("api-1", "goimg/jwt", 7)
    );
    assert_eq!(
        (&report.primary, report.accepted.as_slice()),
        (&kid(a), &[kid(a), kid(b)][..])
    );
    assert_eq!(
        (report.loaded_at, report.reported_at, report.last_error),
        (1_000, 1_000, None)
    );
    assert_eq!(report.signed, [(kid(a), 3)].into());
    assert_eq!(report.verifications, [(kid(a), 3), (kid(b), 0)].into());
    assert_eq!(report.last_verified, [(kid(a), 1_000)].into());
}

#[test]
fn a_written_report_is_read_back_and_leaves_nothing_else_behind() {
    let (folder, ring) = ring_of(&[&quick_keys()[0]]);
    let path = folder.path().join("report.json");
    for _ in 0..2 {
        ring.write_report(&path).unwrap();
    }
    let read: Report = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(read.primary, kid(&quick_keys()[0]));
    let leftovers = std::fs::read_dir(folder.path()).unwrap();
    assert!(
        leftovers
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().ends_with(".tmp"))
    );
    assert!(ring.write_report(std::path::Path::new("/")).is_err());
}
