//! Credentials that do not exist yet.

use keywheel_app::{Check, Verification};
use keywheel_domain::version::VersionStatus;
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::Company;
use keywheel_testkit::world::{Setup, Style};

use crate::usual::{keywheel, name};

#[test]
fn a_login_that_is_made_is_accepted_before_anybody_is_shown_it() {
    for style in [Style::TwinUsers, Style::InPlace] {
        let company = Company::new(Setup::new(style), false, 1);
        let rig = company.ports();
        let app = keywheel(&rig, "creates");
        let created = run(&company.clock, app.create(&name(), "ada")).unwrap().credential;
        assert_eq!(created.versions[0].status, VersionStatus::Current, "{style:?}");
        let checks = run(&company.clock, app.verify(&name())).unwrap();
        let accepted = |check: &Check| matches!(check.verification, Verification::AsExpected(_));
        assert!(
            checks.len() == 1 && checks.iter().all(accepted),
            "{style:?}: {checks:?}"
        );
    }
}
