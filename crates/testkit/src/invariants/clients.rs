//! What clients experienced.

use std::collections::BTreeSet;

use keywheel_domain::id::VersionNumber;
use keywheel_domain::rotation::Outcome;

use super::{Findings, Scene};

/// No client was refused, other than those whom the plan said it would interrupt; and where none was, the canary was not either.
pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let excused = excused(scene);
    scene.company.world.look(|state| {
        let shown = state
            .refusals
            .iter()
            .filter(|refusal| !refusal.version.is_some_and(|v| excused.contains(&v)));
        let first = shown.map(ToString::to_string).next().unwrap_or_default();
        let all_excused = state
            .refused_versions
            .iter()
            .all(|version| version.is_some_and(|v| excused.contains(&v)));
        findings.unless(all_excused, "no client is refused", || {
            format!("{} refusals; {first}", state.refused)
        });
        let canary = scene.rotation.canary();
        let honest = canary.refused == 0 || state.refused > 0;
        findings.unless(honest, "the canary cries for a reason", || {
            format!(
                "it counted {} refusals and {:#} of downtime",
                canary.refused, canary.downtime
            )
        });
        for breach in &state.breaches {
            findings.unless(false, "nothing forbidden happens", || {
                format!("{}: {}", breach.at, breach.what)
            });
        }
    });
}

/// Whom the plan declared to interrupt. A declared interruption that is undone is undone through the same interruption.
fn excused(scene: &Scene<'_>) -> BTreeSet<VersionNumber> {
    let plan = scene.rotation.plan();
    if !plan.interruptions().is_empty() && scene.outcome == Outcome::RolledBack {
        return [plan.old(), plan.new_version()].into();
    }
    plan.interruptions()
        .iter()
        .flat_map(|interruption| interruption.refused.iter().copied())
        .collect()
}
