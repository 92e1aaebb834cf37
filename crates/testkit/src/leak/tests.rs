use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

const SECRET: &[u8] = b"correct horse/battery+staple\"2026";

fn hunter() -> LeakHunter {
    let mut hunter = LeakHunter::new();
    hunter.hunt_for("password", SECRET);
    hunter
}

fn forms_found(haystack: &[u8]) -> Vec<&'static str> {
    hunter()
        .search("there", haystack)
        .into_iter()
        .map(|leak| leak.form)
        .collect()
}

#[test]
fn a_secret_is_found_in_every_form() {
    let text = std::str::from_utf8(SECRET).unwrap();
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let reversed: Vec<u8> = SECRET.iter().rev().copied().collect();
    assert_eq!(forms_found(format!("x{text}y").as_bytes())[0], "as it is");
    assert_eq!(forms_found(&reversed), ["reversed"]);
    assert_eq!(forms_found(hex.as_bytes()), ["in hexadecimal"]);
    assert_eq!(forms_found(hex.to_uppercase().as_bytes()), ["in hexadecimal"]);
    assert!(forms_found(b"correct%20horse%2Fbattery").contains(&"in percent encoding"));
    assert!(forms_found(br#"staple\"2026"#).contains(&"in JSON"));
}

#[test]
fn base64_is_found_wherever_the_secret_begins_in_it() {
    for before in 0..6 {
        let mut plain = vec![b'.'; before];
        plain.extend_from_slice(SECRET);
        plain.extend_from_slice(b"..");
        assert!(!forms_found(STANDARD.encode(&plain).as_bytes()).is_empty(), "{before}");
        assert!(
            !forms_found(URL_SAFE_NO_PAD.encode(&plain).as_bytes()).is_empty(),
            "{before}"
        );
    }
}

#[test]
fn twelve_bytes_of_it_are_a_leak_and_eleven_are_not() {
    assert!(!forms_found(&SECRET[5..17]).is_empty());
    assert!(forms_found(&SECRET[5..16]).is_empty());
}

#[test]
fn the_armour_of_a_pem_is_innocent_and_its_body_is_not() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    let mut hunter = LeakHunter::new();
    hunter.hunt_for("key", pem.as_bytes());
    assert!(
        hunter
            .search("", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")
            .is_empty()
    );
    assert!(!hunter.search("", b"..IJ1hsZ3v/VpguoRK9..").is_empty());
    let der = base64::engine::general_purpose::STANDARD
        .decode(pem.lines().nth(1).unwrap())
        .unwrap();
    assert!(!hunter.search("", &der).is_empty());
    assert!(!hunter.search("", STANDARD.encode(pem).as_bytes()).is_empty());
}

#[test]
fn what_is_public_is_excused() {
    let mut hunter = hunter();
    hunter.excuse(b"a public text with correct horse/bat in it");
    assert!(hunter.search("", b"correct horse/b").is_empty());
    assert!(!hunter.search("", b"horse/battery+staple").is_empty());
}

#[test]
fn a_short_secret_is_searched_for_as_a_whole() {
    let mut hunter = LeakHunter::new();
    hunter.hunt_for("pin", b"hunter2");
    assert_eq!(
        hunter.search("log", b"login hunter2 failed")[0].to_string(),
        "pin is in log at byte 6, as it is"
    );
    assert!(hunter.search("log", b"hunter").is_empty());
}

#[test]
fn planted_secrets_are_told_apart_by_their_seeds() {
    let mut hunter = LeakHunter::new();
    let [one, again, other] = [1, 1, 2].map(|seed| hunter.plant("canary", seed));
    assert_eq!(one.expose(), again.expose());
    assert_ne!(one.expose(), other.expose());
    assert!(one.expose().starts_with(MARK.as_bytes()));
}
