//! A policy that is changed counts at once.

use std::future::pending;

use keywheel_app::{Keywheel, Tally};
use keywheel_domain::id::CredentialName;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Clock, Due, Journal};
use keywheel_domain::schedule::Period;
use keywheel_testkit::executor::run;

use crate::landscape::{Health, Landscape, instant};
use crate::support::at_once;

fn name() -> CredentialName {
    "server/role".parse().unwrap()
}

/// A credential that was made so many days ago by a policy of three months, and has another period now.
fn changed(days: i64, period: Period) -> Landscape {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    landscape.adopt("server/role", &server, instant(), days);
    let policy = Policy { period, ..instant() };
    landscape.change("server/role", policy);
    landscape
}

fn once(landscape: &Landscape, app: &Keywheel) -> Tally {
    let scheduler = app.scheduler("scheduler");
    run(
        &landscape.company.clock,
        scheduler.run_once(landscape.told.as_ref(), pending()),
    )
    .unwrap()
}

/// Whether the list, what is due, and what is overdue name it.
fn is_due(landscape: &Landscape, app: &Keywheel) -> [bool; 3] {
    let clock = &landscape.company.clock;
    let listed = run(clock, app.list()).unwrap();
    let due = run(clock, app.due(100)).unwrap();
    let overdue = run(clock, app.overdue()).unwrap();
    [
        listed[0].overdue,
        due == [Due::Credential(name())],
        overdue.idle == [name()],
    ]
}

#[test]
fn what_a_shorter_period_makes_due_is_shown_and_rotated() {
    let landscape = changed(10, Period::days(5));
    let app = landscape.process("one");
    assert_eq!(is_due(&landscape, &app), [true; 3]);
    assert_eq!(once(&landscape, &app).completed, 1);
    landscape.each_was_rotated_once("server");
    assert_eq!(is_due(&landscape, &app), [false; 3]);
}

#[test]
fn what_a_longer_period_makes_wait_is_left_alone() {
    let landscape = changed(100, Period::months(12));
    let app = landscape.process("one");
    let journal = &landscape.company.journal;
    let now = landscape.company.clock.now();
    assert_eq!(at_once(journal.due(now, 10)).unwrap(), [Due::Credential(name())]);
    assert_eq!(is_due(&landscape, &app), [false; 3]);
    assert_eq!(once(&landscape, &app), Tally::default());
    assert_eq!(at_once(journal.due(now, 10)).unwrap(), [], "the index follows");
}
