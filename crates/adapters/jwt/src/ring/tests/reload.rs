use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing::write_set;

#[test]
fn a_new_delivery_is_picked_up_and_an_old_one_is_not_read_twice() {
    let [a, b, ..] = quick_keys();
    let (folder, ring) = ring_of(&[a]);
    assert!(!ring.reload_if_changed().unwrap());
    folder.deliver(2, &[b, a], true);
    assert!(ring.reload_if_changed().unwrap());
    assert!(!ring.reload_if_changed().unwrap());
    let report = ring.report();
    assert_eq!((report.revision, report.primary), (2, kid(b)));
}

#[test]
fn counts_survive_reloads_and_late_use_of_a_removed_key_is_seen() {
    let [a, b, ..] = quick_keys();
    let (folder, ring) = ring_of(&[a]);
    let old = ring.sign(&claims()).unwrap();
    verify(&ring, &old).unwrap();
    folder.deliver(2, &[b, a], true);
    ring.reload().unwrap();
    verify(&ring, &old).unwrap();
    folder.deliver(3, &[b], true);
    ring.reload().unwrap();
    assert_eq!(verify(&ring, &old), Err(Refusal::UnknownKid));
    let report = ring.report();
    assert_eq!(report.verifications, [(kid(a), 2), (kid(b), 0)].into());
    assert_eq!(report.refused_after_removal, [(kid(a), 1)].into());
}

/// Breaks a delivered set in one way.
type Break = fn(&std::path::Path);

#[test]
fn a_set_that_cannot_be_loaded_leaves_the_keys_that_work_in_use() {
    let [a, b, ..] = quick_keys();
    let breaks: [(&str, Break); 5] = [
        ("not a key ring manifest", |set| {
            fs::write(set.join(MANIFEST), "{").unwrap()
        }),
        ("cannot read", |set| fs::remove_file(set.join("public-1.pem")).unwrap()),
        ("truncated", |set| {
            fs::write(set.join("jwt_private.pem"), "-----BEGIN PRIVATE KEY-----\nAA").unwrap()
        }),
        ("of different deliveries", |set| {
            assert!(fs::copy(set.join("public-0.pem"), set.join("public-1.pem")).is_ok())
        }),
        ("larger than", |set| {
            fs::write(set.join("public-0.pem"), vec![b'x'; 70_000]).unwrap()
        }),
    ];
    let (folder, ring) = ring_of(&[a]);
    let token = ring.sign(&claims()).unwrap();
    for (revision, (said, broken)) in (2..).zip(breaks) {
        let set = folder.deliver(revision, &[b, a], true);
        broken(&set);
        for _ in 0..2 {
            let error = ring.reload_if_changed().unwrap_err().chain();
            assert!(error.contains(said), "{error}");
            assert_eq!(ring.report().last_error, Some(error));
        }
        assert!(verify(&ring, &token).is_ok() && ring.sign(&claims()).is_ok());
        assert_eq!(ring.report().revision, 1);
    }
    folder.deliver(9, &[b, a], true);
    assert!(ring.reload_if_changed().unwrap());
    assert_eq!(ring.report().last_error, None);
}

#[test]
fn a_private_key_of_another_pair_is_refused() {
    let [a, b, ..] = quick_keys();
    let folder = RingFolder::new();
    let set = folder.deliver(1, &[a], true);
    fs::write(set.join("jwt_private.pem"), b.to_pkcs8_pem().unwrap()).unwrap();
    let error = KeyRing::open(folder.path()).unwrap_err().chain();
    assert!(
        error.contains("jwt_private.pem") && error.contains("does not belong"),
        "{error}"
    );
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_refused() {
    let folder = RingFolder::new();
    let set = folder.deliver(1, &[&quick_keys()[0]], false);
    let manifest = fs::read_to_string(set.join(MANIFEST))
        .unwrap()
        .replace("EdDSA", "RS256");
    fs::write(set.join(MANIFEST), manifest).unwrap();
    let error = KeyRing::open(folder.path()).unwrap_err().chain();
    assert!(error.contains("RS256 needs an RSA key"), "{error}");
}

#[test]
fn a_ring_never_becomes_one_of_another_credential() {
    let (folder, ring) = ring_of(&[&quick_keys()[0]]);
    let set = folder.deliver(2, &[&quick_keys()[0]], true);
    let manifest = fs::read_to_string(set.join(MANIFEST))
        .unwrap()
        .replace("goimg/jwt", "other/jwt");
    fs::write(set.join(MANIFEST), manifest).unwrap();
    assert!(matches!(ring.reload(), Err(RingError::OtherCredential { .. })));
}

#[test]
fn plain_files_that_are_replaced_in_place_are_followed() {
    let [a, b, ..] = quick_keys();
    let folder = RingFolder::new();
    write_set(folder.path(), 1, &[a], true);
    let ring = KeyRing::open(folder.path()).unwrap();
    write_set(folder.path(), 2, &[b, a], true);
    assert!(ring.reload_if_changed().unwrap());
    assert_eq!(ring.report().primary, kid(b));
}

#[test]
fn a_folder_that_is_itself_a_symlink_is_followed() {
    let [a, b, ..] = quick_keys();
    let folder = RingFolder::new();
    let sets = ["one", "two"].map(|name| folder.path().join(name));
    write_set(&sets[0], 1, &[a], true);
    write_set(&sets[1], 2, &[b], true);
    let link = folder.path().join("current");
    std::os::unix::fs::symlink(&sets[0], &link).unwrap();
    let ring = KeyRing::open(&link).unwrap();
    fs::remove_file(&link).unwrap();
    assert!(ring.reload_if_changed().is_err());
    std::os::unix::fs::symlink(&sets[1], &link).unwrap();
    assert!(ring.reload_if_changed().unwrap());
    assert_eq!(ring.report().primary, kid(b));
}

#[test]
fn a_watch_follows_deliveries_and_ends_when_it_is_stopped() {
    let [a, b, ..] = quick_keys();
    let (folder, ring) = ring_of(&[a]);
    let report = folder.path().join("report.json");
    let watch = ring.watch(Duration::from_millis(1), Some(report.clone()));
    folder.deliver(2, &[b, a], true);
    while ring.report().revision != 2 {
        std::thread::yield_now();
    }
    watch.stop();
    folder.deliver(3, &[b], true);
    assert_eq!(ring.report().revision, 2);
    assert!(report.exists());
}

#[test]
fn no_token_of_an_accepted_key_is_refused_while_sets_are_swapped() {
    // Both signers are accepted by both sets, as in any plan; what else is accepted comes and goes.
    let [a, b, c, d, _] = quick_keys();
    let (folder, ring) = ring_of(&[a, b]);
    let sets = [folder.deliver(2, &[a, b, c], true), folder.deliver(3, &[b, d, a], true)];
    let token = ring.sign(&claims()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut verified = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    verify(&ring, &token).unwrap();
                    verify(&ring, &ring.sign(&claims()).unwrap()).unwrap();
                    verified += 2;
                }
                verified
            })
        });
        for round in 0..100 {
            folder.swap_to(&sets[round % 2]);
            ring.reload_if_changed().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let verified: u64 = readers.map(|reader| reader.join().unwrap()).iter().sum();
        let counted: u64 = ring.report().verifications.values().sum();
        assert_eq!(counted, verified);
        assert_eq!(ring.report().refused, std::collections::BTreeMap::new());
    });
}

/// What may happen to a ring.
#[derive(Debug, Clone)]
enum Event {
    /// A set is delivered; the first key is its primary. `broken` sets cannot be loaded.
    Deliver {
        keys: Vec<usize>,
        broken: bool,
    },
    Reload,
    /// A token of that key arrives, with its `kid` or without.
    Token {
        key: usize,
        named: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let keys = proptest::sample::subsequence((0..5).collect::<Vec<_>>(), 1..=5).prop_shuffle();
    prop_oneof![
        2 => (keys, prop::bool::weighted(0.2)).prop_map(|(keys, broken)| Event::Deliver { keys, broken }),
        2 => Just(Event::Reload),
        4 => (0..5_usize, any::<bool>()).prop_map(|(key, named)| Event::Token { key, named }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_token_is_accepted_exactly_while_its_key_is(events in proptest::collection::vec(event(), 1..40)) {
        let keys = quick_keys();
        let (folder, ring) = ring_of(&[&keys[0]]);
        let (mut delivered, mut loaded) = (Some(vec![0]), vec![0]);
        for (revision, event) in (2..).zip(events) {
            match event {
                Event::Deliver { keys: places, broken } => {
                    let chosen: Vec<_> = places.iter().map(|place| &keys[*place]).collect();
                    let set = folder.deliver(revision, &chosen, true);
                    if broken {
                        fs::write(set.join("public-0.pem"), "nonsense").unwrap();
                    }
                    delivered = (!broken).then_some(places);
                }
                Event::Reload => {
                    let reloaded = ring.reload_if_changed();
                    prop_assert_eq!(reloaded.is_ok(), delivered.is_some());
                    loaded = delivered.clone().unwrap_or(loaded);
                }
                Event::Token { key, named } => {
                    let signer = &keys[key];
                    let header = if named { json!({ "alg": "EdDSA", "kid": kid(signer) }) } else { json!({ "alg": "EdDSA" }) };
                    let verdict = verify(&ring, &forge(signer, &header, &claims()));
                    prop_assert_eq!(verdict.is_ok(), loaded.contains(&key));
                }
            }
            let own = ring.sign(&claims()).unwrap();
            prop_assert_eq!(verify(&ring, &own).unwrap().kid, kid(&keys[loaded[0]]));
        }
    }
}
