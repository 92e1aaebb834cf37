//! Disks that take nothing: read-only, full, and a standard output that cannot be written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Place;

/// Every file below the folder with its content, but for SQLite's own bookkeeping beside a database.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !name.ends_with("-wal") && !name.ends_with("-shm") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// `/sys` takes files from nobody, whoever runs the test.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place_for_the_database_is_named_and_nothing_is_delivered() {
    let place = Place::new();
    place.configure(&format!("[keywheel]\nstate = \"/sys/keywheel.db\"\n{}", place.config()));
    let before = contents(&place.path("."));
    let said = place.keywheel(&["adopt", "goimg/jwt", "--create"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let expected =
        "error: /sys cannot be written; make it writable for the user that runs Keywheel, or choose another path\n";
    assert!(said.err.contains(expected), "{}", said.err);
    assert_eq!(contents(&place.path(".")), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place_for_the_keys_is_named_and_nothing_is_adopted() {
    let place = Place::new();
    let config = place.config().replace("folder = \"keys\"", "folder = \"/sys/keys\"");
    place.configure(&config);
    let said = place.keywheel(&["adopt", "goimg/jwt", "--create"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("/sys/keys"), "{}", said.err);
    let list = place.works(&["list"]);
    assert!(list.out.contains("not adopted"), "{}", list.out);
}

/// The system refuses what goes over a limit, as a full disk would.
fn without_room(arguments: &str) -> String {
    format!("trap '' XFSZ; ulimit -f 0; exec \"$0\" {arguments}")
}

#[test]
fn a_full_disk_lets_nothing_be_adopted_and_leaves_nothing_behind() {
    let place = Place::new();
    let before = contents(&place.path("."));
    let said = place.shell(&without_room("adopt goimg/jwt --create"));
    assert_eq!(said.code, Some(1), "{}", said.err);
    // The limit holds for every disk, so the first one that is full is that of temporary files.
    let expected = format!("cannot be made in {}; make room there", std::env::temp_dir().display());
    assert!(
        said.err.contains(&expected),
        "it names the place and the fix: {}",
        said.err
    );
    assert_eq!(contents(&place.path(".")), before);
    place.works(&["adopt", "goimg/jwt", "--create"]);
}

#[test]
fn a_full_disk_lets_no_rotation_begin_and_the_next_one_runs() {
    let place = Place::adopted();
    let config = place.config().replace("approvers = [\"bob\"]", "");
    place.configure(&config);
    let keys = contents(&place.path("keys"));
    let said = place.shell(&without_room("rotate goimg/jwt --yes --reason test"));
    assert_eq!(said.code, Some(1), "{}", said.err);
    let database = place.path("keywheel.db").canonicalize().unwrap();
    assert!(
        said.err.contains(&database.display().to_string()),
        "it names the place: {}",
        said.err
    );
    assert_eq!(contents(&place.path("keys")), keys, "consumers see what they saw");
    let list = place.works(&["list"]);
    assert!(list.out.contains("version 1 in use"), "{}", list.out);
    place.works(&["rotate", "goimg/jwt", "--yes", "--reason", "test"]);
    place.works(&["verify", "goimg/jwt"]);
}

/// Data that was cut off on its way is no success.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let place = Place::adopted();
    let said = place.shell("exec \"$0\" list > /dev/full");
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert_eq!(
        said.err,
        "error: standard output could not be written; what it shows is not complete\n"
    );
}

/// Verifiers in any language read the published set.
#[test]
fn the_published_keys_are_those_that_are_accepted_and_nothing_private() {
    let place = Place::adopted();
    let set = fs::read(place.path("keys/jwks.json")).unwrap();
    // Private members of any kind are refused here.
    let set = keywheel_jwt::JwkSet::from_json(&set).unwrap();
    let status = place.works(&["status", "goimg/jwt", "--json"]).out;
    assert_eq!(set.keys.len(), 1);
    assert!(status.contains(set.keys[0].kid.as_str()), "{status}");
}
