//! Adoptions that fail leave everything as it was, and are not in the way of those that are right.

use keywheel_app::{Adopted, AppError};
use keywheel_domain::id::{Revision, VersionId, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::ports::{Clock, ErrorKind, VersionMaterial};
use keywheel_domain::view::View;
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::Company;
use keywheel_testkit::world::{Happening, Setup, Style};

use crate::usual::{keywheel, name};

fn id() -> VersionId {
    VersionId {
        credential: name(),
        number: VersionNumber(1),
    }
}

fn made(company: &Company) -> Material {
    let rig = company.ports();
    run(&company.clock, rig.issuer.generate(&id(), None, rig.entropy.as_ref())).unwrap()
}

/// As it was before Keywheel came, but that the stores show a view that no adoption expects where it is not the first.
fn install(company: &Company, material: &Material, revision: u64) {
    let attributes = company.ports().issuer.describe(material).unwrap();
    let version = VersionMaterial {
        id: id(),
        material: material.clone(),
        attributes,
    };
    company
        .world
        .install(&version, &View::new(Revision(revision), id().number, [id().number]));
}

fn show_nothing(company: &Company) {
    company
        .world
        .meddle(|state| state.stores.iter_mut().for_each(|store| *store = None));
}

fn adopt(company: &Company, material: &Material) -> Result<Adopted, AppError> {
    let app = keywheel(&company.ports(), "adopts");
    run(&company.clock, app.adopt(&name(), material, company.clock.now(), "ada"))
}

fn kind(refused: Result<Adopted, AppError>) -> ErrorKind {
    match refused.unwrap_err() {
        AppError::Port(error) => error.kind,
        other => panic!("{other}"),
    }
}

/// What was done to the company.
fn deeds(company: &Company) -> Vec<Happening> {
    company.world.look(|state| state.history.clone())
}

#[test]
fn what_is_refused_is_neither_sealed_nor_delivered_and_the_right_one_is_adopted_next() {
    for style in [Style::TwinUsers, Style::InPlace, Style::KeyRing] {
        let company = Company::new(Setup::new(style), false, 1);
        let (right, wrong) = (made(&company), made(&company));
        install(&company, &right, 1);
        assert_eq!(kind(adopt(&company, &wrong)), ErrorKind::Refused, "{style:?}");
        assert!(deeds(&company).is_empty(), "{style:?}");
        let adopted = adopt(&company, &right).unwrap();
        assert_eq!(adopted.evidence.len(), company.ports().stores.len(), "{style:?}");
    }
}

#[test]
fn what_a_failed_adoption_sealed_goes_where_nobody_uses_it() {
    let company = Company::new(Setup::new(Style::TwinUsers), false, 1);
    let (earlier, right) = (made(&company), made(&company));
    install(&company, &earlier, 9);
    assert_eq!(kind(adopt(&company, &earlier)), ErrorKind::Conflict);
    company.world.meddle(|state| state.authority.accounts.clear());
    install(&company, &right, 1);
    show_nothing(&company);
    adopt(&company, &right).unwrap();
    let app = keywheel(&company.ports(), "looks");
    let checks = run(&company.clock, app.verify(&name())).unwrap();
    assert!(
        matches!(checks[0].verification, keywheel_app::Verification::AsExpected(_)),
        "{checks:?}"
    );
}

#[test]
fn what_a_creation_that_was_cut_off_made_at_the_issuer_is_kept_until_it_is_finished() {
    let company = Company::new(Setup::new(Style::TwinUsers), false, 1);
    let right = made(&company);
    install(&company, &right, 9);
    let app = keywheel(&company.ports(), "creates");
    assert_eq!(
        kind(run(&company.clock, app.create(&name(), "ada"))),
        ErrorKind::Conflict
    );
    show_nothing(&company);
    let refused = adopt(&company, &right).unwrap_err();
    assert!(refused.to_string().contains("--create"), "{refused}");
    run(&company.clock, app.create(&name(), "ada")).unwrap();
}

#[test]
fn what_a_store_shows_already_is_never_replaced_by_another_adoption() {
    let company = Company::new(Setup::new(Style::TwinUsers), false, 1);
    let (earlier, right) = (made(&company), made(&company));
    install(&company, &earlier, 9);
    assert_eq!(kind(adopt(&company, &earlier)), ErrorKind::Conflict);
    company.world.meddle(|state| state.authority.accounts.clear());
    install(&company, &right, 1);
    let refused = adopt(&company, &right).unwrap_err();
    assert!(refused.to_string().contains("what is shown there"), "{refused}");
}
