//! A system that is not well is left alone, unless it is an emergency.

use jiff::SignedDuration;
use keywheel_app::Driven;
use keywheel_domain::ports::Severity;
use keywheel_domain::rotation::Outcome;
use keywheel_domain::trigger::{EmergencyMode, LiveTokens, Trigger};
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::Company;
use keywheel_testkit::world::{Happening, Setup, Style};

use crate::usual::{company, drive, keywheel, name, open, rotation};

fn sick(time: SignedDuration) -> Company {
    let company = company(Setup::new(Style::TwinUsers));
    company.world.meddle(|state| {
        state.history.clear();
        state.sick_until = state.now.saturating_add(time).unwrap();
    });
    company
}

const FOR_EVER: SignedDuration = SignedDuration::from_hours(1000);

#[test]
fn a_system_that_is_not_well_is_left_alone() {
    let company = sick(FOR_EVER);
    let app = keywheel(&company.ports(), "drives");
    let id = open(&company, &app);
    let driven = drive(&company, &app, &id, SignedDuration::MAX);
    assert_eq!(driven, Driven::Rested(Outcome::RolledBack));
    let rotation = rotation(&company, &app, &id);
    let why = rotation.unwound_because().unwrap();
    assert!(
        why.contains("health: the error rate is high; a system that is not well is not rotated"),
        "{why}"
    );
    let deed = |one: &Happening| matches!(one, Happening::Deed(_));
    assert!(
        company.world.look(|state| !state.history.iter().any(deed)),
        "nothing was changed"
    );
}

#[test]
fn a_system_that_recovers_is_waited_for() {
    let company = sick(SignedDuration::from_secs(5));
    let app = keywheel(&company.ports(), "drives");
    let id = open(&company, &app);
    let driven = drive(&company, &app, &id, SignedDuration::MAX);
    assert_eq!(driven, Driven::Rested(Outcome::Completed));
}

#[test]
fn an_emergency_begins_although_the_system_is_not_well() {
    // For longer than a preflight is tried again, and for less than the policy tolerates.
    let company = sick(SignedDuration::from_mins(2));
    let app = keywheel(&company.ports(), "drives");
    let trigger = Trigger::Emergency {
        incident: "SEC-1".to_owned(),
        mode: EmergencyMode::Expedited,
        live_tokens: LiveTokens::Honour,
    };
    let id = run(&company.clock, app.open(&name(), trigger, "ada")).unwrap();
    let driven = drive(&company, &app, &id, SignedDuration::MAX);
    assert_eq!(driven, Driven::Rested(Outcome::Completed));
}

#[test]
fn the_doctor_asks_how_the_system_is() {
    for (time, severity) in [(FOR_EVER, Severity::Blocker), (SignedDuration::ZERO, Severity::Fine)] {
        let company = sick(time);
        let app = keywheel(&company.ports(), "looks");
        let findings = run(&company.clock, app.doctor(&name())).unwrap();
        let health = findings.iter().find(|finding| finding.subject == "health").unwrap();
        assert_eq!(health.severity, severity, "{health:?}");
    }
}
