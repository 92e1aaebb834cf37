//! The fakes of the simulated company keep the contracts of their ports.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Archive, Clock, Issuer, KeyProvider, SecretStore, VersionMaterial, Workload};
use keywheel_domain::view::View;

use super::entropy::FakeEntropy;
use super::health_probe::FakeProbe;
use super::issuer::FakeIssuer;
use super::key_provider::FakeKeys;
use super::notifier::FakeNotifier;
use super::secret_source::FakeSecret;
use crate::contract;
use crate::contract::issuer::Fixture;
use crate::executor::run;
use crate::rig::Company;
use crate::sample::{rotation_id, version_id};
use crate::world::{Setup, Style};

fn company(style: Style) -> Company {
    Company::new(Setup::new(style), true, 1)
}

#[test]
fn the_store_keeps_its_contract() {
    for style in [Style::TwinUsers, Style::KeyRing] {
        let fresh = move || {
            let store: Arc<dyn SecretStore> = Arc::clone(&company(style).ports().stores[0]);
            std::future::ready(store).boxed()
        };
        run(&company(style).clock, contract::secret_store::check(&fresh));
    }
}

#[test]
fn the_workload_keeps_its_contract() {
    for style in [Style::TwinUsers, Style::KeyRing] {
        let fresh = move || {
            let workload: Arc<dyn Workload> = Arc::clone(&company(style).ports().workloads[0]);
            std::future::ready(workload).boxed()
        };
        run(&company(style).clock, contract::workload::check(&fresh));
    }
}

#[test]
fn the_archive_keeps_its_contract() {
    let fresh = || {
        let archive: Option<Arc<dyn Archive>> = company(Style::TwinUsers).ports().archive;
        std::future::ready(archive.expect("this company has one")).boxed()
    };
    run(&company(Style::TwinUsers).clock, contract::archive::check(&fresh));
}

#[test]
fn the_health_probe_keeps_its_contract() {
    let [well, ill] = [false, true].map(|ill| {
        let company = company(Style::TwinUsers);
        let until = company.clock.now() + SignedDuration::from_hours(1);
        company
            .world
            .meddle(|state| state.sick_until = if ill { until } else { state.sick_until });
        company
    });
    let probes = contract::health_probe::Probes {
        healthy: Arc::new(FakeProbe::new(&well.world)),
        unhealthy: Arc::new(FakeProbe::new(&ill.world)),
        unknown: Vec::new(),
    };
    run(&well.clock, contract::health_probe::check(&probes));
}

#[test]
fn the_keys_keep_their_contract() {
    let [keys, others] = [1, 2].map(|number| Arc::new(FakeKeys::numbered(number)) as Arc<dyn KeyProvider>);
    run(
        &company(Style::TwinUsers).clock,
        contract::key_provider::check(&keys, &others),
    );
}

#[test]
fn the_entropy_keeps_its_contract() {
    contract::entropy::check(&FakeEntropy::seeded(1));
}

#[test]
fn the_clock_keeps_its_contract() {
    let clock = company(Style::TwinUsers).clock;
    run(&clock, contract::clock::check(&*clock));
}

/// A company of that setup, and the version that everybody there uses.
pub(crate) async fn in_use(setup: Setup) -> (Company, VersionMaterial) {
    let company = Company::new(setup, false, 1);
    let issuer = FakeIssuer::new(&company.world);
    let (id, entropy) = (version_id(1), FakeEntropy::seeded(0));
    let material = issuer.generate(&id, None, &entropy).await.expect("fakes succeed");
    let current = VersionMaterial {
        id,
        attributes: issuer.describe(&material).expect("it made it"),
        material,
    };
    let first = VersionNumber(1);
    let view = View::new(Revision(1), first, [first]);
    company.world.install(&current, &view);
    (company, current)
}

async fn fixture(setup: Setup) -> Fixture {
    let (company, current) = in_use(setup).await;
    Fixture {
        issuer: Arc::new(FakeIssuer::new(&company.world)),
        current,
        keep: Box::new(company),
    }
}

#[test]
fn issuers_of_every_style_keep_their_contract() {
    use Style::{DualPassword, InPlace, KeyRing, TwinKeys, TwinUsers};
    for style in [TwinUsers, DualPassword, TwinKeys, InPlace, KeyRing] {
        for (can_suspend, foreign, tells_usage) in [(true, false, true), (false, true, false)] {
            let usual = Setup::new(style);
            let setup = Setup {
                can_suspend: can_suspend && usual.can_suspend,
                foreign,
                quota: usual.quota + usize::from(foreign),
                tells_usage,
                ..usual
            };
            let fresh = || fixture(setup.clone()).boxed();
            run(&company(style).clock, contract::issuer::check(&fresh));
        }
    }
}

#[test]
fn the_notifier_keeps_its_contract() {
    let fresh = || {
        let people = Arc::new(FakeNotifier::default());
        let open = {
            let people = Arc::clone(&people);
            move || {
                let ids = [1, 2].map(rotation_id);
                let open = ids.into_iter().filter(|id| people.told(id).open).collect();
                std::future::ready(open).boxed()
            }
        };
        let fixture = contract::notifier::Fixture {
            notifier: people,
            open: Box::new(open),
        };
        std::future::ready(fixture).boxed()
    };
    run(&company(Style::TwinUsers).clock, contract::notifier::check(&fresh));
}

#[test]
fn the_source_of_secrets_keeps_its_contract() {
    let holding = |bytes: &[u8]| Arc::new(FakeSecret::holding(Secret::new(bytes.to_vec().into())));
    let held = holding(b"first");
    held.replace(Secret::new(b"second".to_vec().into()));
    let sources = contract::secret_source::Sources {
        held,
        secret: b"second".to_vec().into(),
        missing: Arc::new(FakeSecret::default()),
        empty: Some(holding(b"")),
    };
    run(
        &company(Style::TwinUsers).clock,
        contract::secret_source::check(&sources),
    );
}
