//! What a preflight finds inside of a rotation: what somebody has to mend ends it at once, what may pass is waited for.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_app::{Driven, Keywheel};
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Clock, Delivery, ErrorKind, Finding, PortError, SecretStore};
use keywheel_domain::rotation::{Event, Outcome, Rotation};
use keywheel_domain::view::View;
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::{Company, Rig};
use keywheel_testkit::world::{Happening, Setup, Style};

use crate::usual::{company, drive, keywheel, open, rotation};

/// A store that cannot be looked at before that moment.
#[derive(Debug)]
struct Away {
    inner: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    until: Timestamp,
    /// What it says.
    error: fn() -> PortError,
}

#[async_trait]
impl SecretStore for Away {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        if self.clock.now() < self.until {
            return Err((self.error)());
        }
        self.inner.preflight().await
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        self.inner.deliver(delivery, expected).await
    }

    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        self.inner.read_back(credential).await
    }
}

/// A rotation that was driven to its rest, how long that took, and how often the preflight failed.
struct Ran {
    rotation: Rotation,
    failures: usize,
    effects: bool,
}

fn ran(company: &Company, rig: &Rig) -> Ran {
    let app: Keywheel = keywheel(rig, "drives");
    company.world.meddle(|state| state.history.clear());
    let id = open(company, &app);
    let driven = drive(company, &app, &id, SignedDuration::MAX);
    assert!(matches!(driven, Driven::Rested(_)), "{driven:?}");
    let entries = run(&company.clock, app.entries(&id)).unwrap();
    let failed = |event: &Event| matches!(event, Event::Failed { .. });
    Ran {
        rotation: rotation(company, &app, &id),
        failures: entries.iter().filter(|entry| failed(&entry.event)).count(),
        effects: company.world.look(|state| {
            let deed = |one: &Happening| matches!(one, Happening::Deed(_));
            state.history.iter().any(deed)
        }),
    }
}

fn away(company: &Company, time: SignedDuration, error: fn() -> PortError) -> Ran {
    let mut rig = company.ports();
    rig.stores[0] = Arc::new(Away {
        inner: Arc::clone(&rig.stores[0]),
        until: rig.clock.now() + time,
        clock: Arc::clone(&rig.clock),
        error,
    });
    ran(company, &rig)
}

fn unreachable() -> PortError {
    PortError::transient(ErrorKind::Unavailable, "no connection")
}

fn forbidden() -> PortError {
    PortError::permanent(ErrorKind::Forbidden, "the rotator may not look")
}

const FOR_EVER: SignedDuration = SignedDuration::from_hours(1000);

#[test]
fn a_blocker_ends_the_rotation_at_once_with_its_reason_and_without_an_effect() {
    let full = company(Setup {
        foreign: true,
        ..Setup::new(Style::TwinUsers)
    });
    let ran = ran(&full, &full.ports());
    assert_eq!(ran.rotation.outcome(), Some(Outcome::RolledBack));
    assert_eq!(ran.failures, 1, "it is not tried again");
    let why = "preflight: accounts: there are 2 accounts, and 2 are the most; delete the one that nobody needs";
    assert_eq!(ran.rotation.unwound_because(), Some(why));
    assert_eq!(ran.rotation.failures(), [format!("rolled back: {why}")]);
    assert!(!ran.effects, "nothing was changed");
}

#[test]
fn a_backend_that_is_away_for_a_moment_is_waited_for() {
    let company = company(Setup::new(Style::TwinUsers));
    let ran = away(&company, SignedDuration::from_secs(5), unreachable);
    assert_eq!(ran.rotation.outcome(), Some(Outcome::Completed));
    assert_eq!(ran.failures, 2, "after two seconds, and after four more");
}

#[test]
fn a_backend_that_stays_away_ends_the_rotation_once_the_retries_are_spent() {
    let company = company(Setup::new(Style::TwinUsers));
    let ran = away(&company, FOR_EVER, unreachable);
    assert_eq!(ran.rotation.outcome(), Some(Outcome::RolledBack));
    assert_eq!(ran.failures, 5);
    let why = ran.rotation.unwound_because().unwrap();
    assert!(why.contains("no connection; mend that, then try again"), "{why}");
    assert!(!ran.effects, "nothing was changed");
}

#[test]
fn a_backend_that_says_no_ends_the_rotation_at_once() {
    let company = company(Setup::new(Style::TwinUsers));
    let ran = away(&company, FOR_EVER, forbidden);
    assert_eq!((ran.rotation.outcome(), ran.failures), (Some(Outcome::RolledBack), 1));
}

#[test]
fn what_has_to_be_mended_is_not_hidden_by_what_may_pass() {
    let full = company(Setup {
        foreign: true,
        ..Setup::new(Style::TwinUsers)
    });
    let ran = away(&full, FOR_EVER, unreachable);
    assert_eq!(ran.failures, 1);
    let why = ran.rotation.unwound_because().unwrap();
    assert!(why.contains("delete the one that nobody needs"), "{why}");
}
