//! Adoptions of a key that exists, by the real command.

use std::fs;

use crate::support::Place;

const LIVE: &str = "keys/jwt_private.pem";
const KEPT: &str = "keys/jwt_private.pem.before-keywheel";

/// A place whose store folder holds the live key, with its public half beside the folder and another key in `other.pem`.
fn before_keywheel() -> (Place, String) {
    let place = Place::new();
    fs::create_dir(place.path("keys")).unwrap();
    let (live, other) = (Place::adopted(), Place::adopted());
    let copy = |from: &Place, name: &str, to: &str| fs::copy(from.path(name), place.path(to)).unwrap();
    copy(&live, LIVE, LIVE);
    copy(&live, "keys/jwt_public.pem", "live.pem");
    copy(&other, LIVE, "other.pem");
    let key = fs::read_to_string(place.path(LIVE)).unwrap();
    (place, key)
}

#[test]
fn a_live_key_that_is_not_the_adopted_one_is_kept() {
    let (place, live) = before_keywheel();
    let adopt = ["adopt", "goimg/jwt", "--private-key", "other.pem"];
    let looked = place.works(&[adopt.as_slice(), &["--dry-run"]].concat());
    assert!(looked.out.contains("jwt_private.pem.before-keywheel"), "{}", looked.out);
    assert!(!place.path(KEPT).exists() && !place.path(LIVE).is_symlink());
    let adopted = place.works(&adopt);
    assert!(adopted.out.contains(KEPT), "{}", adopted.out);
    assert_eq!(fs::read_to_string(place.path(KEPT)).unwrap(), live);
    let other = fs::read_to_string(place.path("other.pem")).unwrap();
    assert_eq!(fs::read_to_string(place.path(LIVE)).unwrap(), other);
}

#[test]
fn the_file_of_the_adopted_key_is_replaced_by_what_is_delivered() {
    let (place, live) = before_keywheel();
    place.works(&["adopt", "goimg/jwt"]);
    assert!(place.path(LIVE).is_symlink() && !place.path(KEPT).exists());
    assert_eq!(fs::read_to_string(place.path(LIVE)).unwrap(), live);
}

#[test]
fn a_key_that_verifiers_refuse_changes_nothing_and_the_right_one_is_adopted_next() {
    let (place, live) = before_keywheel();
    let verifier = r#"verifiers = [{ public_keys = ["live.pem"] }]"#;
    place.configure(&place.config().replace(r#"verifiers = [{ ring = "keys" }]"#, verifier));
    let refused = place.keywheel(&["adopt", "goimg/jwt", "--private-key", "other.pem"]);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("live.pem refuses goimg/jwt"), "{}", refused.err);
    assert_eq!(fs::read_dir(place.path("keys")).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(place.path(LIVE)).unwrap(), live);
    place.works(&["adopt", "goimg/jwt"]);
}
