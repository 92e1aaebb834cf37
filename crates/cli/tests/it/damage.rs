//! A state that is not what it should be: a clock behind it, a journal that makes no sense, a file from the future.

use std::fs;

use jiff::SignedDuration;
use keywheel_domain::rotation::Event;

use crate::support::{Place, after};

/// A rotation that waits for an approval.
fn waiting() -> Place {
    let place = Place::adopted();
    let said = place.keywheel(&["rotate", "goimg/jwt", "--yes", "--reason", "test"]);
    assert_eq!(said.code, Some(8), "{}", said.err);
    place
}

#[test]
fn a_clock_that_is_behind_the_journal_moves_nothing_and_says_what_to_set_right() {
    let place = waiting();
    let measured = Event::Measured {
        samples: 1,
        refused: 0,
        downtime: SignedDuration::ZERO,
    };
    // To the command this looks as a clock that jumped back by a day after that entry was written.
    place.forge(|rotation| after(rotation, SignedDuration::from_hours(24), measured.clone()));
    let before = place.rotation();
    for asked in [
        &["resume", "goimg/jwt"][..],
        &["approve", "goimg/jwt", "--actor", "bob"],
        &["rollback", "goimg/jwt", "--reason", "enough"],
        &["resume", "goimg/jwt"],
    ] {
        let said = place.keywheel(asked);
        assert_eq!(said.code, Some(1), "{asked:?}: {}", said.err);
        assert!(said.err.contains("error: the clock says "), "{asked:?}: {}", said.err);
        assert!(said.err.contains("set the clock right, then resume"), "{}", said.err);
        assert!(
            !said.err.contains("waiting:"),
            "nobody keeps the rotation: {}",
            said.err
        );
    }
    assert_eq!(place.rotation(), before, "nothing was written");
    let list = place.works(&["list"]);
    assert!(
        list.out.contains("rotating: approve"),
        "what only looks goes on: {}",
        list.out
    );
}

#[test]
fn a_journal_that_makes_no_sense_is_named_and_hides_no_other_credential() {
    let place = waiting();
    let other = place.config().replace("goimg/jwt", "goimg/other");
    let (_, other) = other.split_once("[[credential]]").unwrap();
    let other = other.replace("\"keys\"", "\"other\"");
    place.configure(&format!("{}\n[[credential]]{other}", place.config()));
    place.works(&["adopt", "goimg/other", "--create"]);
    let by = "nobody".to_owned();
    place.forge(|rotation| after(rotation, SignedDuration::ZERO, Event::Resumed { by: by.clone() }));
    for asked in ["list", "status", "history"] {
        let said = place.keywheel(&[asked]);
        assert_eq!(said.code, Some(1), "{asked}: {}", said.err);
        assert!(
            said.err.starts_with("error: a rotation of goimg/jwt cannot be read\n"),
            "{}",
            said.err
        );
        assert!(
            said.err.contains("is damaged; restore the state file from its backup"),
            "{}",
            said.err
        );
        assert!(said.err.contains("it is not stuck"), "{}", said.err);
        assert!(
            asked == "history" || said.out.contains("goimg/other"),
            "{asked}: {}",
            said.out
        );
    }
    let list = place.keywheel(&["list", "--json"]);
    assert!(
        list.out.contains(r#""state":"its rotation cannot be read""#),
        "{}",
        list.out
    );
}

#[test]
fn a_database_from_the_future_is_refused_and_untouched() {
    let place = Place::adopted();
    let path = place.path("keywheel.db");
    let mut bytes = fs::read(&path).unwrap();
    // The schema's version stands in the header of the file.
    assert_eq!(bytes[60..64], [0, 0, 0, 1]);
    bytes[63] = 99;
    fs::write(&path, &bytes).unwrap();
    for asked in [
        &["list"][..],
        &["rotate", "goimg/jwt", "--yes", "--reason", "test"],
        &["audit", "verify"],
    ] {
        let said = place.keywheel(asked);
        assert_eq!(said.code, Some(1), "{asked:?}: {}", said.err);
        let expected = format!(
            "error: {} was written by a newer version of Keywheel (schema 99, this one knows 1); install that version, or choose another path\n",
            path.canonicalize().unwrap().display()
        );
        assert_eq!(said.err, expected, "{asked:?}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}
