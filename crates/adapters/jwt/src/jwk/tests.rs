use super::*;
use crate::key::PrivateKey;
use crate::testing::{quick_keys, rsa_key};

/// RFC 7638 section 3.1.
const RFC_7638: &str = r#"{
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "use": "sig",
    "kid": "2011-04-29"
}"#;

/// RFC 8037 appendix A.2.
const RFC_8037: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let rsa: Jwk = serde_json::from_str(RFC_7638).unwrap();
    let okp: Parameters = serde_json::from_str(RFC_8037).unwrap();
    assert_eq!(
        rsa.public_key().unwrap().kid().as_str(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(
        okp.public_key().unwrap().kid().as_str(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn leading_zeros_of_a_modulus_do_not_change_the_name() {
    let Parameters::Rsa { n, e } = rsa_key().public().parameters() else {
        panic!("an RSA key")
    };
    let bytes = [vec![0, 0], URL_SAFE_NO_PAD.decode(n).unwrap()].concat();
    let padded = Parameters::Rsa {
        n: URL_SAFE_NO_PAD.encode(bytes),
        e,
    };
    assert_eq!(&padded.public_key().unwrap(), rsa_key().public());
}

#[test]
fn a_set_survives_a_round_trip_and_has_public_members_only() {
    let p256 = PrivateKey::generate(Algorithm::Es256, 0).unwrap();
    let keys = [rsa_key(), &p256, &quick_keys()[0]];
    let set = JwkSet {
        keys: keys.iter().map(|key| Jwk::new(key.public(), key.algorithm())).collect(),
    };
    let json = set.to_json().unwrap();
    assert_eq!(JwkSet::from_json(json.as_bytes()).unwrap(), set);
    for (jwk, key) in set.keys.iter().zip(keys) {
        assert_eq!(&jwk.public_key().unwrap(), key.public());
    }
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    for key in document["keys"].as_array().unwrap() {
        let allowed = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"];
        assert!(
            key.as_object()
                .unwrap()
                .keys()
                .all(|member| allowed.contains(&member.as_str())),
            "{key}"
        );
        assert_eq!(key["use"], "sig");
    }
}

#[test]
fn a_document_with_a_private_member_is_refused_wherever_it_is() {
    for member in PRIVATE_MEMBERS {
        let text = format!(r#"{{"keys":[{{"kty":"unheard-of","more":[{{"{member}":"x"}}]}}]}}"#);
        let refused = JwkSet::from_json(text.as_bytes()).unwrap_err();
        assert!(matches!(refused, JwkError::PrivateMember { member: found } if found == member));
    }
}

#[test]
fn keys_that_are_not_ours_are_passed_over() {
    let jwk = serde_json::to_string(&Jwk::new(quick_keys()[0].public(), Algorithm::EdDsa)).unwrap();
    let text = format!(r#"{{"keys":[{{"kty":"AKP","alg":"ML-DSA-44"}},{{"kty":"RSA","use":"enc"}},{jwk}]}}"#);
    assert_eq!(JwkSet::from_json(text.as_bytes()).unwrap().keys.len(), 1);
    assert!(JwkSet::from_json(b"{}").is_err());
}

#[test]
fn two_keys_of_one_name_are_neither_published_nor_read() {
    let jwk = Jwk::new(quick_keys()[0].public(), Algorithm::EdDsa);
    let set = JwkSet {
        keys: vec![jwk.clone(), jwk],
    };
    assert!(matches!(set.to_json(), Err(JwkError::SameKid { .. })));
    let text = serde_json::to_vec(&set).unwrap();
    assert!(matches!(JwkSet::from_json(&text), Err(JwkError::SameKid { .. })));
}

#[test]
fn points_off_the_curve_are_refused() {
    let off = Parameters::p256(&[1; 32], &[2; 32]);
    assert_eq!(off.public_key().unwrap_err(), KeyError::BadPoint);
    let short = Parameters::ed25519(&[1; 31]);
    assert_eq!(short.public_key().unwrap_err(), KeyError::BadPoint);
}
