//! A clock that jumps back: nothing moves by it, and nobody has to wait for whoever noticed.

use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Keywheel};
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::Clock;
use keywheel_domain::rotation::{Entry, Outcome};
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::Company;
use keywheel_testkit::world::{Setup, Style};

use crate::usual::{company, drive, keywheel, open, rotation};

const TOLERATED: SignedDuration = SignedDuration::from_mins(5);
const A_BIT: SignedDuration = SignedDuration::from_secs(1);

/// A rotation that waits for its grace to end.
fn waiting() -> (Company, Keywheel, RotationId) {
    let company = company(Setup::new(Style::TwinUsers));
    let app = keywheel(&company.ports(), "drives");
    let id = open(&company, &app);
    let driven = drive(&company, &app, &id, SignedDuration::from_hours(1));
    assert!(matches!(driven, Driven::Waits { .. }), "{driven:?}");
    (company, app, id)
}

fn entries(company: &Company, app: &Keywheel, id: &RotationId) -> Vec<Entry> {
    run(&company.clock, app.entries(id)).unwrap()
}

/// Sets the clock to that long before the last entry.
fn set_before_the_last_entry(company: &Company, app: &Keywheel, id: &RotationId, by: SignedDuration) {
    let last = rotation(company, app, id).last_at();
    let now = company.clock.now();
    company.clock.jump(now.duration_until(last) - by);
    assert_eq!(company.clock.now(), last - by);
}

#[test]
fn a_clock_far_behind_the_journal_stops_everything_and_changes_nothing() {
    let (company, app, id) = waiting();
    let before = entries(&company, &app, &id);
    let last = rotation(&company, &app, &id).last_at();
    set_before_the_last_entry(&company, &app, &id, TOLERATED + A_BIT);
    let now = last - TOLERATED - A_BIT;
    // Another driver would be told who holds the rotation, if the first one had kept it.
    for driver in ["drives", "another"] {
        let app = keywheel(&company.ports(), driver);
        let refused = [
            run(&company.clock, app.drive(&id, SignedDuration::ZERO)).map(drop),
            run(&company.clock, app.rollback(&id, "enough", "ada")),
            run(&company.clock, app.finish(&id, "ada")),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert!(
                matches!(error, AppError::ClockWentBack { now: n, last: l } if (n, l) == (now, last)),
                "{error}"
            );
        }
    }
    assert_eq!(entries(&company, &app, &id), before);
}

#[test]
fn clocks_of_two_machines_may_differ_a_little() {
    let (company, app, id) = waiting();
    set_before_the_last_entry(&company, &app, &id, TOLERATED);
    let other = keywheel(&company.ports(), "another");
    let driven = drive(&company, &other, &id, SignedDuration::ZERO);
    assert!(matches!(driven, Driven::Waits { .. }), "{driven:?}");
    run(&company.clock, other.finish(&id, "ada")).unwrap();
    let driven = drive(&company, &other, &id, SignedDuration::MAX);
    assert_eq!(driven, Driven::Rested(Outcome::Completed));
    let journal = entries(&company, &app, &id);
    assert!(
        journal.is_sorted_by_key(|entry| entry.at),
        "no entry is older than the one before it"
    );
}

#[test]
fn once_the_clock_is_right_again_the_rotation_goes_on() {
    let (company, app, id) = waiting();
    company.clock.jump(-SignedDuration::from_hours(24 * 365));
    let refused = run(&company.clock, app.drive(&id, SignedDuration::MAX));
    assert!(matches!(refused, Err(AppError::ClockWentBack { .. })), "{refused:?}");
    company.clock.jump(SignedDuration::from_hours(24 * 365));
    assert_eq!(
        drive(&company, &app, &id, SignedDuration::MAX),
        Driven::Rested(Outcome::Completed)
    );
}
