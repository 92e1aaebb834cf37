//! What applies to every issuer.

use jiff::Timestamp;
use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{Effect, ErrorKind, Finding, PortError, Severity, Usage, VersionMaterial};
use zeroize::Zeroizing;

use super::bench::{Bench, assert_fact, said};
use crate::leak::LeakHunter;

/// A plan is built on it.
pub(super) async fn what_it_can_do_does_not_change(bench: &Bench) {
    let declared = bench.issuer.capabilities();
    bench.works(&bench.current, "at first").await;
    assert_eq!(bench.issuer.capabilities(), declared);
}

async fn findings(bench: &Bench, current: Option<&VersionMaterial>) -> Vec<Finding> {
    let found = bench.issuer.preflight(current).await.expect("looking succeeds");
    for finding in &found {
        assert!(!finding.subject.is_empty() && !finding.detail.is_empty(), "{finding:?}");
        assert!(
            finding.severity == Severity::Fine || !finding.fix.is_empty(),
            "what is not fine says how to mend it: {finding:?}"
        );
    }
    found
}

/// With a version in use, and before there is one.
pub(super) async fn a_preflight_of_a_working_issuer_blocks_nothing_and_changes_nothing(bench: &Bench) {
    let before = bench.held().await;
    for _ in 0..2 {
        let found = findings(bench, Some(&bench.current)).await;
        let blocks = found.iter().find(|finding| finding.severity == Severity::Blocker);
        assert_eq!(blocks, None, "nothing blocks a rotation of a fresh issuer");
        findings(bench, None).await;
    }
    assert_eq!(bench.held().await, before, "a preflight changes nothing");
    bench.works(&bench.current, "after a preflight").await;
}

/// As often as it is asked.
pub(super) async fn the_version_in_use_is_proven_and_not_dead(bench: &Bench) {
    let before = bench.held().await;
    for _ in 0..2 {
        bench.works(&bench.current, "while it is in use").await;
    }
    assert_eq!(bench.held().await, before, "a proof changes nothing");
}

/// It is journaled and shown. A field that is public, such as a name, may be in it; not every field is.
pub(super) async fn a_description_is_always_the_same_and_holds_no_secret(bench: &Bench) {
    let VersionMaterial {
        material, attributes, ..
    } = &bench.current;
    for _ in 0..2 {
        let described = bench.issuer.describe(material);
        let described = described.expect("an issuer describes its own material");
        assert_eq!(described, *attributes, "the same material has the same attributes");
    }
    let shown = |secret: &Secret| {
        let text = secret.expose_text().unwrap_or("\0");
        attributes.values().any(|value| value == text)
    };
    let secret: Vec<_> = material.fields().filter(|(_, secret)| !shown(secret)).collect();
    assert!(
        !secret.is_empty(),
        "every field of {material:?} is shown in its attributes"
    );
    for (name, field) in secret {
        let Some(text) = field.expose_text() else { continue };
        let held = attributes.iter().find(|(_, value)| value.contains(text));
        let attribute = held.map(|(name, _)| name);
        assert_eq!(attribute, None, "this attribute holds the secret field `{name}`");
    }
}

/// None at all, a field that nobody knows, and fields of the right names with nothing in them.
pub(super) async fn material_of_something_else_is_invalid(bench: &Bench) {
    let empty = || Secret::new(Zeroizing::new(Vec::new()));
    let foreign = Material::single("keywheel_contract_no_such_field", empty());
    let fields = bench.current.material.fields();
    let hollow = fields.fold(Material::default(), |material, (name, _)| material.with(name, empty()));
    for material in [Material::default(), foreign, hollow] {
        let described = bench.issuer.describe(&material);
        let kind = described.as_ref().err().map(|error| error.kind);
        assert_eq!(
            kind,
            Some(ErrorKind::Invalid),
            "to describe a foreign material with the fields {material:?} is invalid: {}",
            said(&described)
        );
    }
}

/// Ours or not, and by ids that stay.
pub(super) async fn the_inventory_lists_each_thing_once(bench: &Bench) {
    let listed = bench.issuer.inventory().await.expect("the inventory succeeds");
    let held = bench.held().await;
    assert_eq!(listed.len(), held.len(), "an id is listed twice: {listed:?}");
    assert!(!held.is_empty(), "a version is accepted, and nothing is listed");
    assert!(!held.contains_key(""), "everything has an id: {listed:?}");
    assert_eq!(bench.held().await, held, "it is the same as long as nothing changes");
}

/// Since the beginning of time and since a moment that nobody lived to see.
pub(super) async fn usage_is_told_with_evidence_or_untold(bench: &Bench) {
    for switched in [Timestamp::UNIX_EPOCH, Timestamp::constant(4_102_444_800, 0)] {
        let usage = bench.issuer.usage(&bench.current, switched).await;
        let facts = match usage.expect("asking who uses a version succeeds") {
            Usage::Untold => continue,
            Usage::Unused(facts) | Usage::InUse(facts) => facts,
        };
        assert!(!facts.is_empty(), "use and disuse are claims that need evidence");
        facts
            .iter()
            .for_each(|fact| assert_fact(fact, EvidenceKind::Usage, "usage"));
    }
    bench.works(&bench.current, "after somebody asked who uses it").await;
}

/// A plan that relies on it would be a defect, and nothing may come of that.
pub(super) async fn what_it_does_not_declare_is_unsupported_and_does_nothing(bench: &Bench) {
    let (issuer, current) = (&bench.issuer, &bench.current);
    let can = issuer.capabilities();
    let before = bench.held().await;
    let mut refused = Vec::new();
    if can.overlap != Overlap::TwoVersions {
        refused.push(("stage", issuer.stage(current).await));
    }
    if can.overlap != Overlap::OneVersion {
        refused.push(("replace", issuer.replace(current).await));
    }
    if !can.can_suspend {
        refused.push(("suspend", issuer.suspend(current).await));
        refused.push(("reinstate", issuer.reinstate(current).await));
    }
    if can.overlap == Overlap::KeyRing {
        refused.push(("retire", issuer.retire(current).await));
    }
    let mut refused: Vec<_> = refused
        .into_iter()
        .map(|(what, result)| (what, result.map(drop)))
        .collect();
    if can.minted_by == MintedBy::Us {
        let request = bench.mint_request().await;
        refused.push(("mint", issuer.mint(&request).await.map(drop)));
    }
    for (what, result) in refused {
        let kind = result.as_ref().err().map(|error| (error.kind, error.effect));
        assert_eq!(
            kind,
            Some((ErrorKind::Unsupported, Effect::None)),
            "to {what} is not what it declares: {}",
            said(&result)
        );
    }
    assert_eq!(bench.held().await, before, "what is unsupported changes nothing");
    bench.works(current, "after what is unsupported").await;
}

/// Neither its evidence, its findings, its errors nor its `Debug`.
pub(super) async fn nothing_that_it_says_holds_material(bench: &Bench) {
    let (issuer, current) = (&bench.issuer, &bench.current);
    let mut hunter = LeakHunter::new();
    hunter.hunt_for_material("current", &current.material);
    // What is public may be said: a name, the public half of a key.
    current
        .attributes
        .values()
        .for_each(|value| hunter.excuse(value.as_bytes()));
    let gossip = |error: PortError| format!("{error:?} {}", error.chain());
    let mut all = vec![
        format!("{issuer:?} {:?} {:?}", current, issuer.capabilities()),
        format!("{:?}", issuer.prove(current).await.map_err(gossip)),
        format!("{:?}", issuer.prove_dead(current).await.map_err(gossip)),
        format!("{:?}", issuer.preflight(Some(current)).await.map_err(gossip)),
        format!(
            "{:?}",
            issuer.usage(current, Timestamp::UNIX_EPOCH).await.map_err(gossip)
        ),
        format!("{:?}", issuer.inventory().await.map_err(gossip)),
        format!("{:?}", issuer.stage(current).await.map_err(gossip)),
        format!("{:?}", issuer.suspend(current).await.map_err(gossip)),
        format!("{:?}", issuer.reinstate(current).await.map_err(gossip)),
        format!("{:?}", issuer.retire(current).await.map_err(gossip)),
        format!("{:?}", issuer.prove(current).await.map_err(gossip)),
        format!("{:?}", issuer.prove_dead(current).await.map_err(gossip)),
    ];
    let fields = current.material.fields();
    let spoilt = fields.fold(Material::default(), |material, (name, secret)| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(secret.expose().len() + 1));
        bytes.extend_from_slice(secret.expose());
        bytes.push(b'\n');
        material.with(&format!("{name}_"), Secret::new(bytes))
    });
    all.push(format!("{:?}", issuer.describe(&spoilt).map_err(gossip)));
    for said in all {
        assert_eq!(
            hunter.search("what the issuer says", said.as_bytes()),
            [],
            "it says: {said}"
        );
    }
}
