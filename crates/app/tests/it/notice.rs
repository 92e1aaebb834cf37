//! An announcement that reaches nobody says so.

use jiff::SignedDuration;
use keywheel_app::Driven;
use keywheel_domain::ports::Severity;
use keywheel_domain::rotation::{Event, Outcome};
use keywheel_testkit::executor::run;
use keywheel_testkit::world::{Setup, Style};

use crate::usual::{builder, company, drive, name, open, wiring};

#[test]
fn where_nobody_can_be_told_the_evidence_and_the_doctor_say_so() {
    for alone in [true, false] {
        let company = company(Setup::new(Style::TwinUsers));
        let mut wiring = wiring(&company.ports());
        if alone {
            wiring.notifiers.clear();
        }
        let app = builder(&company.ports(), "one").credential(name(), wiring).build();
        let findings = run(&company.clock, app.doctor(&name())).unwrap();
        let warned = findings.iter().find(|finding| finding.subject == "notice");
        assert_eq!(
            warned.map(|finding| finding.severity),
            alone.then_some(Severity::Warning)
        );
        let id = open(&company, &app);
        let driven = drive(&company, &app, &id, SignedDuration::MAX);
        assert_eq!(driven, Driven::Rested(Outcome::Completed));
        let entries = run(&company.clock, app.entries(&id)).unwrap();
        let nobody = entries.iter().any(|entry| match &entry.event {
            Event::Observed { evidence, .. } => evidence.iter().any(|fact| fact.subject == "nobody"),
            _ => false,
        });
        assert_eq!(nobody, alone);
    }
}
