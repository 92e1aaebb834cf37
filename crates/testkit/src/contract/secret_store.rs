//! What every secret store has to keep. That no reader sees parts of two views is for the tests of each store, which know how
//! its readers read.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::material::Material;
use keywheel_domain::ports::{Delivery, Effect, ErrorKind, PortError, SecretStore, Severity, VersionMaterial};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use crate::leak::LeakHunter;
use crate::sample::{name, rotation_id, version_id};

/// Makes an empty store. Its templates may use the attribute `role` and the secret field `password`.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn SecretStore>> + Send + Sync);

/// Runs every check, each on a store of its own.
///
/// # Panics
/// Where the store breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    a_preflight_of_a_working_store_blocks_nothing_and_changes_nothing(&*fresh().await).await;
    an_empty_store_shows_nothing(&*fresh().await).await;
    what_was_delivered_is_shown(&*fresh().await).await;
    a_delivery_over_the_expected_view_replaces_it(&*fresh().await).await;
    a_store_that_shows_something_else_is_a_conflict(&*fresh().await).await;
    a_view_that_is_expected_and_not_there_is_a_conflict(&*fresh().await).await;
    a_delivery_may_be_repeated(&*fresh().await).await;
    a_delivery_without_the_material_of_its_view_is_refused(&*fresh().await).await;
    nothing_that_a_store_says_holds_material(&*fresh().await).await;
}

/// A view of the sample credential.
pub fn view(revision: u64, primary: u64, accepted: &[u64]) -> View {
    let accepted = accepted.iter().copied().map(VersionNumber);
    View::new(Revision(revision), VersionNumber(primary), accepted)
}

/// A delivery of that view with the material of each version.
pub fn delivery(view: &View) -> Delivery {
    let version = |number: VersionNumber| VersionMaterial {
        id: version_id(number.0),
        material: Material::single("password", LeakHunter::new().plant("password", number.0)),
        attributes: Attributes::from([("role".to_owned(), format!("role-{number}"))]),
    };
    Delivery {
        credential: name(),
        rotation: Some(rotation_id(1)),
        view: view.clone(),
        versions: view.versions().into_iter().map(version).collect(),
    }
}

async fn deliver(store: &dyn SecretStore, view: &View, expected: Option<&View>) -> Evidence {
    let delivered = store.deliver(&delivery(view), expected).await;
    delivered.expect("the delivery succeeds")
}

async fn refusal(store: &dyn SecretStore, view: &View, expected: Option<&View>) -> PortError {
    let refused = store.deliver(&delivery(view), expected).await;
    refused.expect_err("the delivery is refused")
}

async fn shown(store: &dyn SecretStore) -> Option<View> {
    store.read_back(&name()).await.expect("reading back succeeds")
}

/// Looking is not delivering.
pub async fn a_preflight_of_a_working_store_blocks_nothing_and_changes_nothing(store: &dyn SecretStore) {
    for _ in 0..2 {
        let findings = store.preflight().await.expect("looking succeeds");
        assert!(
            findings.iter().all(|finding| finding.severity < Severity::Blocker),
            "{findings:?}"
        );
    }
    assert_eq!(shown(store).await, None);
}

/// Absence is no error.
pub async fn an_empty_store_shows_nothing(store: &dyn SecretStore) {
    assert_eq!(shown(store).await, None);
}

/// The whole view, and the evidence names the store.
pub async fn what_was_delivered_is_shown(store: &dyn SecretStore) {
    let first = view(1, 1, &[1]);
    let evidence = deliver(store, &first, None).await;
    assert_eq!(
        (evidence.kind, evidence.subject.as_str()),
        (EvidenceKind::Delivered, store.name())
    );
    assert_eq!(shown(store).await, Some(first));
}

/// From one to two accepted versions and back to one, as a key ring goes.
pub async fn a_delivery_over_the_expected_view_replaces_it(store: &dyn SecretStore) {
    let views = [
        view(1, 1, &[1]),
        view(2, 1, &[1, 2]),
        view(3, 2, &[1, 2]),
        view(4, 2, &[2]),
    ];
    let mut expected = None;
    for view in &views {
        deliver(store, view, expected).await;
        assert_eq!(shown(store).await.as_ref(), Some(view));
        expected = Some(view);
    }
}

/// Nothing is written then.
pub async fn a_store_that_shows_something_else_is_a_conflict(store: &dyn SecretStore) {
    let first = view(1, 1, &[1]);
    deliver(store, &first, None).await;
    for expected in [None, Some(&view(7, 1, &[1]))] {
        let refused = refusal(store, &view(2, 2, &[2]), expected).await;
        assert_eq!(
            (refused.kind, refused.effect),
            (ErrorKind::Conflict, Effect::None),
            "{refused}"
        );
        assert_eq!(shown(store).await, Some(first.clone()));
    }
}

/// Somebody emptied the store, and a delivery would hide that.
pub async fn a_view_that_is_expected_and_not_there_is_a_conflict(store: &dyn SecretStore) {
    let refused = refusal(store, &view(2, 2, &[2]), Some(&view(1, 1, &[1]))).await;
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Conflict, Effect::None),
        "{refused}"
    );
    assert_eq!(shown(store).await, None);
}

/// Whatever was expected, because the answer of the first call may have been lost.
pub async fn a_delivery_may_be_repeated(store: &dyn SecretStore) {
    let (first, second) = (view(1, 1, &[1]), view(2, 2, &[2]));
    deliver(store, &first, None).await;
    deliver(store, &first, None).await;
    for expected in [Some(&first), Some(&first), Some(&second)] {
        deliver(store, &second, expected).await;
        assert_eq!(shown(store).await, Some(second.clone()));
    }
}

/// Half a view is none.
pub async fn a_delivery_without_the_material_of_its_view_is_refused(store: &dyn SecretStore) {
    let mut half = delivery(&view(1, 1, &[1, 2]));
    half.versions.pop();
    let refused = store.deliver(&half, None).await.expect_err("the delivery is refused");
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Invalid, Effect::None),
        "{refused}"
    );
    assert_eq!(shown(store).await, None);
}

/// Neither its evidence, its errors nor its `Debug`.
pub async fn nothing_that_a_store_says_holds_material(store: &dyn SecretStore) {
    let mut hunter = LeakHunter::new();
    let (first, second) = (view(1, 1, &[1]), view(2, 2, &[1, 2]));
    for version in delivery(&second).versions {
        hunter.hunt_for_material("password", &version.material);
    }
    let mut said = vec![format!("{:?}", deliver(store, &first, None).await)];
    said.push(refusal(store, &second, None).await.chain());
    said.push(format!("{:?}", refusal(store, &second, None).await));
    said.push(format!("{:?}", deliver(store, &second, Some(&first)).await));
    said.push(format!("{store:?} {}", store.name()));
    for said in said {
        assert_eq!(hunter.search("what the store says", said.as_bytes()), [], "{said}");
    }
}
