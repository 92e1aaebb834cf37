//! The fakes of the simulated company keep the contracts of their ports.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;
use keywheel_domain::ports::{Archive, Clock, KeyProvider, SecretStore, Workload};

use super::entropy::FakeEntropy;
use super::health_probe::FakeProbe;
use super::key_provider::FakeKeys;
use crate::contract;
use crate::executor::run;
use crate::rig::Company;
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
