//! The order in which the driver calls the issuer, where the order is what matters.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::ports::{
    Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, PortError, Usage, VersionMaterial,
};
use keywheel_domain::rotation::Outcome;
use keywheel_domain::version::Attributes;
use keywheel_testkit::fault::FaultPlan;
use keywheel_testkit::rig::{Company, Rig};
use keywheel_tests::case::Case;
use keywheel_tests::run::{Operator, Runner};
use mockall::{Sequence, automock};

/// Hears what an issuer is asked for, and may have it say no.
#[automock]
trait Listener {
    fn hear(&self, method: &'static str, version: u64) -> Result<(), PortError>;
}

/// An issuer that somebody listens to.
struct Overheard {
    inner: Arc<dyn Issuer>,
    listener: MockListener,
}

impl std::fmt::Debug for Overheard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Issuer for Overheard {
    fn capabilities(&self) -> IssuerCapabilities {
        self.inner.capabilities()
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        self.inner.describe(material)
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        self.inner.preflight(current).await
    }

    async fn generate(
        &self,
        id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        self.inner.generate(id, current, entropy).await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        self.inner.usage(version, switched).await
    }

    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.inner.inventory().await
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.listener.hear("stage", version.id.number.0)?;
        self.inner.stage(version).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.listener.hear("prove", version.id.number.0)?;
        self.inner.prove(version).await
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.listener.hear("suspend", version.id.number.0)?;
        self.inner.suspend(version).await
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.listener.hear("retire", version.id.number.0)?;
        self.inner.retire(version).await
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.listener.hear("prove dead", version.id.number.0)?;
        self.inner.prove_dead(version).await
    }
}

/// Lets a routine rotation run from its opening on. Who opens it has ports of its own and asks the issuer for nothing.
fn rotate(listen: fn(&mut MockListener)) -> Outcome {
    let case = Case::named("twin-users-routine").expect("there is such a case");
    let between = |company: &Company, rig: Rig, listen: fn(&mut MockListener)| {
        let mut listener = MockListener::new();
        if company.world.look(|state| !state.history.is_empty()) {
            listen(&mut listener);
        }
        let inner = Arc::clone(&rig.issuer);
        Rig {
            issuer: Arc::new(Overheard { inner, listener }),
            ..rig
        }
    };
    let runner = Runner::broken(case, move |company, rig| between(company, rig, listen));
    let finished = runner.run(&FaultPlan::none(), Operator::Resumes);
    assert_eq!(finished.violations, []);
    finished.outcome.expect("it rests")
}

/// Hears that call once, after those before it.
fn then(listener: &mut MockListener, order: &mut Sequence, method: &'static str, version: u64) {
    let expected = listener.expect_hear().withf(move |m, v| (m, *v) == (method, version));
    expected.once().in_sequence(order).returning(|_, _| Ok(()));
}

#[test]
fn nothing_is_suspended_or_retired_before_the_new_version_was_proved() {
    let outcome = rotate(|listener| {
        let mut order = Sequence::new();
        then(listener, &mut order, "stage", 2);
        then(listener, &mut order, "prove", 2);
        then(listener, &mut order, "suspend", 1);
        then(listener, &mut order, "retire", 1);
        then(listener, &mut order, "prove dead", 1);
        // What the preflight and the canary prove besides is in no particular order.
        let other = listener.expect_hear().withf(|method, _| method == "prove");
        other.returning(|_, _| Ok(()));
    });
    assert_eq!(outcome, Outcome::Completed);
}

#[test]
fn a_version_that_fails_its_proof_ends_itself_and_never_the_old_one() {
    let outcome = rotate(|listener| {
        let mut order = Sequence::new();
        then(listener, &mut order, "prove", 1);
        then(listener, &mut order, "stage", 2);
        let proof = listener
            .expect_hear()
            .withf(|method, version| (method, *version) == ("prove", 2));
        let refused = |_, _| Err(PortError::permanent(ErrorKind::Refused, "there is no such user"));
        proof.once().in_sequence(&mut order).returning(refused);
        then(listener, &mut order, "retire", 2);
        then(listener, &mut order, "prove dead", 2);
        // The canary goes on with the old version; nothing else is ever asked of it.
        let canary = listener
            .expect_hear()
            .withf(|method, version| (method, *version) == ("prove", 1));
        canary.returning(|_, _| Ok(()));
    });
    assert_eq!(outcome, Outcome::RolledBack);
}
