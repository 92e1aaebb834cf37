use aws_lc_rs::encoding::EcPrivateKeyRfc5915Der;
use proptest::prelude::*;

use super::*;
use crate::key::FLOOR_RSA_BITS;
use crate::testing::{pkcs1_pem, quick_keys, rsa_key};

fn read(pem: &str) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(pem.as_bytes(), None, FLOOR_RSA_BITS)
}

fn armour(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).unwrap()
}

/// The private key of RFC 8410 section 10.3, in a PKCS#8 of version 1.
const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";

/// The same with an attribute and its public key, in version 2.
const RFC_8410_V2: &str = "-----BEGIN PRIVATE KEY-----\n\
    MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
    Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PRIVATE KEY-----\n";

/// Its public key, RFC 8410 section 10.1.
const RFC_8410_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

#[test]
fn every_kind_survives_a_round_trip_through_pkcs8() {
    let p256 = PrivateKey::generate(Algorithm::Es256, 0).unwrap();
    for key in [rsa_key(), &p256, &quick_keys()[0]] {
        let again = read(&key.to_pkcs8_pem().unwrap()).unwrap();
        assert_eq!((again.public(), again.algorithm()), (key.public(), key.algorithm()));
        let public = PublicKey::from_pem(key.public().to_spki_pem().as_bytes()).unwrap();
        assert_eq!(&public, key.public());
    }
}

#[test]
fn pkcs1_and_pkcs8_of_one_rsa_key_are_the_same_key() {
    let again = read(&pkcs1_pem(rsa_key())).unwrap();
    assert_eq!(again.public(), rsa_key().public());
    assert_eq!(again.to_pkcs8_pem().unwrap(), rsa_key().to_pkcs8_pem().unwrap());
}

#[test]
fn sec1_is_read_with_and_without_the_parameters_that_openssl_writes_first() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der: EcPrivateKeyRfc5915Der<'static> = pair.private_key().as_der().unwrap();
    let key = armour("EC PRIVATE KEY", der.as_ref());
    let parameters = armour("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    assert_eq!(read(&key).unwrap().algorithm(), Algorithm::Es256);
    assert_eq!(
        read(&format!("{parameters}{key}")).unwrap().public(),
        read(&key).unwrap().public()
    );
}

#[test]
fn a_compressed_public_point_is_written_out() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let number: EcPrivateKeyBin<'static> = pair.private_key().as_be_bytes().unwrap();
    let point = pair.public_key().as_ref();
    let parity = 2 + (point[64] & 1);
    // RFC 5915 section 3 with the curve and a compressed point.
    let curve = [0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let compressed = [&[0xa1, 0x24, 3, 0x22, 0, parity], &point[1..33]].concat();
    let der = [&[0x30, 0x57, 2, 1, 1, 4, 0x20], number.as_ref(), &curve, &compressed].concat();
    let key = read(&armour("EC PRIVATE KEY", &der)).unwrap();
    let pkcs8 = armour::single(key.to_pkcs8_pem().unwrap().as_bytes())
        .unwrap()
        .decode()
        .unwrap();
    assert!(pkcs8.windows(65).any(|window| window == point));
}

#[test]
fn the_keys_of_rfc_8410_are_read_in_both_versions() {
    let public = PublicKey::from_pem(RFC_8410_PUBLIC.as_bytes()).unwrap();
    for pem in [RFC_8410, RFC_8410_V2] {
        assert_eq!(read(pem).unwrap().public(), &public);
    }
    assert_eq!(public.to_spki_pem(), RFC_8410_PUBLIC);
}

#[test]
fn the_signature_of_rfc_8037_is_reproduced() {
    let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let seed = base64::Engine::decode(&engine, seed).unwrap();
    let der = [
        &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20],
        seed.as_slice(),
    ]
    .concat();
    let key = read(&armour("PRIVATE KEY", &der)).unwrap();
    let signature = key
        .sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
        .unwrap();
    assert_eq!(base64::Engine::encode(&engine, signature), expected);
}

#[test]
fn an_rsa_key_below_the_minimum_is_refused_with_both_numbers() {
    for pem in [rsa_key().to_pkcs8_pem().unwrap().to_string(), pkcs1_pem(rsa_key())] {
        let refused = PrivateKey::from_pem(pem.as_bytes(), None, 4096).unwrap_err();
        assert_eq!(
            refused,
            KeyError::TooSmall {
                bits: 2048,
                minimum: 4096
            }
        );
        assert!(
            refused
                .to_string()
                .contains("has 2048 bits and at least 4096 are needed")
        );
    }
}

#[test]
fn the_floor_holds_whatever_the_policy_says() {
    assert_eq!(
        check_rsa_size(1024, 0).unwrap_err(),
        KeyError::TooSmall {
            bits: 1024,
            minimum: 2048
        }
    );
    assert_eq!(
        check_rsa_size(2055, 0).unwrap_err(),
        KeyError::UnsupportedSize { bits: 2055 }
    );
    assert_eq!(
        check_rsa_size(16384, 0).unwrap_err(),
        KeyError::UnsupportedSize { bits: 16384 }
    );
}

#[test]
fn a_key_of_another_kind_than_the_algorithm_is_refused() {
    let refused = PrivateKey::from_pem(RFC_8410.as_bytes(), Some(Algorithm::Rs256), 2048).unwrap_err();
    let (wanted, found) = ("RSA", "Ed25519");
    assert_eq!(
        refused,
        KeyError::WrongKind {
            algorithm: Algorithm::Rs256,
            wanted,
            found
        }
    );
}

#[test]
fn other_curves_and_other_kinds_are_named_and_refused() {
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)
        .unwrap()
        .to_pkcs8v1()
        .unwrap();
    let kind = "EC curve 1.3.132.0.34".to_owned();
    assert_eq!(
        read(&armour("PRIVATE KEY", p384.as_ref())).unwrap_err(),
        KeyError::UnsupportedKind { kind }
    );
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'static> = pair.private_key().as_der().unwrap();
    let kind = "EC curve P-384".to_owned();
    assert_eq!(
        read(&armour("EC PRIVATE KEY", sec1.as_ref())).unwrap_err(),
        KeyError::UnsupportedKind { kind }
    );
    let label = "OPENSSH PRIVATE KEY".to_owned();
    assert_eq!(
        read(&armour(&label, b"x")).unwrap_err(),
        KeyError::UnsupportedBlock { label }
    );
}

#[test]
fn a_public_key_is_no_private_key_and_the_other_way_round() {
    let label = "PUBLIC KEY".to_owned();
    assert_eq!(
        read(RFC_8410_PUBLIC).unwrap_err(),
        KeyError::PublicInsteadOfPrivate { label }
    );
    let label = "PRIVATE KEY".to_owned();
    let refused = PublicKey::from_pem(RFC_8410.as_bytes()).unwrap_err();
    assert_eq!(refused, KeyError::PrivateInsteadOfPublic { label });
}

#[test]
fn der_that_is_cut_off_inside_of_whole_armour_is_called_damaged() {
    let pem = rsa_key().to_pkcs8_pem().unwrap();
    let der = armour::single(pem.as_bytes()).unwrap().decode().unwrap();
    for length in [0, 1, 100, der.len() - 1] {
        let cut = read(&armour("PRIVATE KEY", &der[..length])).unwrap_err();
        assert!(
            matches!(cut, KeyError::Malformed { .. } | KeyError::Armour { .. }),
            "{length}: {cut:?}"
        );
    }
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    let pem = pkcs1_pem(rsa_key());
    let der = armour::single(pem.as_bytes()).unwrap().decode().unwrap();
    // The middle of the structure is the private exponent.
    let mut damaged = der.to_vec();
    damaged[400] ^= 1;
    assert_eq!(
        read(&armour("RSA PRIVATE KEY", &damaged)).unwrap_err(),
        KeyError::Inconsistent
    );
}

#[test]
fn what_is_shown_of_a_private_key_is_its_name() {
    let shown = format!("{:?}", quick_keys()[0]);
    assert!(
        shown.contains(quick_keys()[0].public().kid().as_str()) && shown.len() < 120,
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_damaged_key_file_never_panics_and_never_becomes_another_key(place in 0..1600usize, byte in any::<u8>()) {
        let pem = rsa_key().to_pkcs8_pem().unwrap();
        let mut damaged = pem.as_bytes().to_vec();
        let place = place % damaged.len();
        damaged[place] = byte;
        if let Ok(key) = PrivateKey::from_pem(&damaged, None, 2048) {
            prop_assert_eq!(key.public(), rsa_key().public());
        }
    }
}
