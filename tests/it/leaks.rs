//! Material stays where it belongs, even where backends repeat in their errors what they were given.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{AuditLog, Delivery, Finding, Journal, PortError, SecretStore};
use keywheel_domain::rotation::encode;
use keywheel_domain::view::View;
use keywheel_testkit::fault::{Fault, FaultPlan};
use keywheel_testkit::leak::LeakHunter;
use keywheel_testkit::rig::Rig;
use keywheel_tests::case::Case;
use keywheel_tests::run::{Finished, Operator, Runner};

/// A store that tells the hunter what it is given.
#[derive(Debug)]
struct Tapped {
    inner: Arc<dyn SecretStore>,
    hunter: Arc<Mutex<LeakHunter>>,
}

#[async_trait]
impl SecretStore for Tapped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.inner.preflight().await
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        for version in &delivery.versions {
            let mut hunter = self.hunter.lock().unwrap_or_else(PoisonError::into_inner);
            let secret = version
                .material
                .get("secret")
                .expect("every material of this company has one");
            hunter.hunt_for(&version.id.to_string(), secret.expose());
        }
        self.inner.deliver(delivery, expected).await
    }

    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        self.inner.read_back(credential).await
    }
}

/// Everything that was written or shown.
fn written(finished: &Finished) -> Vec<(&'static str, String)> {
    let company = &finished.company;
    let id = finished.rotation.as_ref().expect("it was opened");
    let entries = company
        .journal
        .load(id)
        .now_or_never()
        .and_then(Result::ok)
        .unwrap_or_default();
    let records = company
        .audit
        .read()
        .now_or_never()
        .and_then(Result::ok)
        .unwrap_or_default();
    let journal = entries.iter().map(|entry| ("the journal", encode(entry)));
    let audit = records.into_iter().map(|record| ("the audit log", record.body));
    let notices = company.people.told(id).notices.into_iter();
    let notices = notices.map(|notice| ("a notice", notice.message));
    let debug = [("debug output", format!("{finished:?} {entries:?}"))];
    journal.chain(audit).chain(notices).chain(debug).collect()
}

#[test]
fn no_part_of_any_material_is_written_or_shown_whatever_fails() {
    let mut baits = 0;
    for name in ["twin-users-routine", "twin-keys-routine", "key-ring-routine"] {
        let hunter = Arc::new(Mutex::new(LeakHunter::new()));
        let tap = Arc::clone(&hunter);
        let between = move |_: &_, rig: Rig| {
            let tapped = |inner: &Arc<dyn SecretStore>| {
                let (inner, hunter) = (Arc::clone(inner), Arc::clone(&tap));
                Arc::new(Tapped { inner, hunter }) as _
            };
            let stores = rig.stores.iter().map(tapped).collect();
            Rig { stores, ..rig }
        };
        let runner = Runner::broken(Case::named(name).expect("there is such a case"), between);
        let calls = runner.run(&FaultPlan::none(), Operator::Resumes).calls.len();
        for (call, fault) in
            (0..calls).flat_map(|call| [Fault::Transient, Fault::Permanent, Fault::Lost].map(|f| (call, f)))
        {
            // The same random bytes are material in one run and a rotation's identity in another one.
            *hunter.lock().unwrap_or_else(PoisonError::into_inner) = LeakHunter::new();
            let finished = runner.run(&FaultPlan::none().and(call, fault), Operator::RollsBack);
            let hunter = hunter.lock().unwrap_or_else(PoisonError::into_inner);
            baits += usize::from(format!("{hunter:?}").contains("company/credential#2"));
            for (place, text) in written(&finished) {
                assert_eq!(
                    hunter.search(place, text.as_bytes()),
                    [],
                    "{name} {call}:{fault} {text}"
                );
            }
        }
    }
    assert!(
        baits > 400,
        "only {baits} runs got so far that there was something to find"
    );
}
