//! A company with the usual policy, whose database credential is adopted.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_app::{Builder, Driven, Keywheel, Ports, Wiring};
use keywheel_domain::id::{CredentialName, DriverId, Revision, RotationId, VersionId, VersionNumber};
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Clock, VersionMaterial};
use keywheel_domain::rotation::Rotation;
use keywheel_domain::schedule::Period;
use keywheel_domain::trigger::Trigger;
use keywheel_domain::view::View;
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::{Company, Rig};
use keywheel_testkit::world::Setup;

pub(crate) fn name() -> CredentialName {
    "company/database".parse().unwrap()
}

pub(crate) fn builder(rig: &Rig, driver: &str) -> Builder {
    let driver: DriverId = driver.parse().unwrap();
    let ports = Ports {
        journal: Arc::clone(&rig.journal),
        materials: Arc::clone(&rig.materials),
        audit: Arc::clone(&rig.audit),
        keys: Arc::clone(&rig.keys),
        clock: Arc::clone(&rig.clock),
        entropy: Arc::clone(&rig.entropy),
    };
    Keywheel::builder(ports, driver)
}

pub(crate) fn wiring(rig: &Rig) -> Wiring {
    Wiring {
        kind: "database_password".to_owned(),
        bulkhead: None,
        policy: Policy::new(Period::months(3)),
        issuer: Arc::clone(&rig.issuer),
        stores: rig.stores.clone(),
        workloads: rig.workloads.clone(),
        probes: rig.probes.clone(),
        notifiers: rig.notifiers.clone(),
        archive: rig.archive.clone(),
    }
}

pub(crate) fn keywheel(rig: &Rig, driver: &str) -> Keywheel {
    builder(rig, driver).credential(name(), wiring(rig)).build()
}

/// A company of that setup, whose credential is adopted.
pub(crate) fn company(setup: Setup) -> Company {
    let company = Company::new(setup, true, 1);
    let app = keywheel(&company.ports(), "adopts");
    let id = VersionId {
        credential: name(),
        number: VersionNumber(1),
    };
    run(&company.clock, async {
        let rig = company.ports();
        let material = rig.issuer.generate(&id, None, rig.entropy.as_ref()).await.unwrap();
        let attributes = rig.issuer.describe(&material).unwrap();
        let view = View::new(Revision(1), id.number, [id.number]);
        let version = VersionMaterial {
            id,
            material,
            attributes,
        };
        company.world.install(&version, &view);
        app.adopt(&name(), &version.material, company.clock.now(), "ada")
            .await
            .unwrap();
    });
    company
}

/// Begins a rotation that somebody asked for.
pub(crate) fn open(company: &Company, app: &Keywheel) -> RotationId {
    let trigger = Trigger::Manual {
        reason: "test".to_owned(),
    };
    run(&company.clock, app.open(&name(), trigger, "ada")).unwrap()
}

pub(crate) fn drive(company: &Company, app: &Keywheel, id: &RotationId, patience: SignedDuration) -> Driven {
    run(&company.clock, app.drive(id, patience)).unwrap()
}

pub(crate) fn rotation(company: &Company, app: &Keywheel, id: &RotationId) -> Rotation {
    run(&company.clock, app.rotation(id)).unwrap()
}
