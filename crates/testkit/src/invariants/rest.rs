//! How the world and the books look once it is over.

use keywheel_domain::audit::{self, AuditPhase};
use keywheel_domain::id::{VersionId, VersionNumber};
use keywheel_domain::plan::Overlap;
use keywheel_domain::ports::{Archive, AuditLog, MaterialStore};
use keywheel_domain::rotation::Outcome;
use keywheel_domain::version::VersionStatus;

use super::{Findings, Scene, at_once};
use crate::world::State;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let plan = scene.rotation.plan();
    let (alive, dead) = match scene.outcome {
        Outcome::Completed => (plan.new_version(), plan.old()),
        Outcome::RolledBack | Outcome::Stuck => (plan.old(), plan.new_version()),
    };
    scene.company.world.look(|state| {
        works(state, alive, findings);
        let gone = !state.accepts_version(dead);
        findings.unless(gone, "what ended is dead", || {
            format!("version {dead} is still held by something")
        });
        let known = |owner: Option<VersionNumber>| owner.is_none() || owner == Some(alive);
        let orphan = state.authority.accounts.iter().find(|account| !known(account.owner));
        findings.unless(orphan.is_none(), "no orphan is left", || format!("{orphan:?}"));
        let foreign = state
            .authority
            .accounts
            .iter()
            .filter(|account| account.owner.is_none())
            .count();
        let expected = usize::from(state.setup.foreign);
        findings.unless(foreign == expected, "what is foreign is left alone", || {
            format!("{foreign} of {expected}")
        });
    });
    material(scene, alive, dead, findings);
    books(scene, alive, dead, findings);
    audited(scene, findings);
    told(scene, findings);
}

/// Every store shows the version, every instance runs it, every acceptor accepts it.
fn works(state: &State, alive: VersionNumber, findings: &mut Findings) {
    let everywhere = state.views().all(|shown| shown.view.primary == alive);
    findings.unless(everywhere, "what remains works", || {
        let views: Vec<_> = state.views().map(|shown| shown.view.to_string()).collect();
        format!("not everybody presents version {alive}: {}", views.join("; "))
    });
    let ring = state.setup.style.overlap() == Overlap::KeyRing;
    let accepted = state.views().all(|shown| {
        if ring {
            state.views().all(|verifier| verifier.accepts(shown.primary))
        } else {
            state.authority.accepts(shown.primary)
        }
    });
    findings.unless(accepted, "what remains works", || {
        format!("version {alive} is not accepted everywhere")
    });
}

/// The material of what remains is kept, and so is that of what ended, until somebody put it away.
fn material(scene: &Scene<'_>, alive: VersionNumber, dead: VersionNumber, findings: &mut Findings) {
    let archive = scene.company.archive.as_ref();
    let find = |number| {
        let id = VersionId {
            credential: scene.credential.name.clone(),
            number,
        };
        let kept = at_once(scene.company.materials.get(&id)).ok().flatten().is_some();
        let copied = archive
            .and_then(|archive| at_once(archive.fetch(&id)).ok().flatten())
            .is_some();
        (kept, copied)
    };
    let (kept, _) = find(alive);
    findings.unless(kept, "no material is lost", || {
        format!("that of version {alive} is gone")
    });
    if scene.outcome == Outcome::Completed {
        let (kept, copied) = find(dead);
        findings.unless(kept || copied, "no material is lost", || {
            format!("that of version {dead} is gone")
        });
        findings.unless(copied || archive.is_none(), "what ended is archived", || {
            format!("version {dead} is not")
        });
    }
}

/// The inventory says what is the case.
fn books(scene: &Scene<'_>, alive: VersionNumber, dead: VersionNumber, findings: &mut Findings) {
    let credential = &scene.credential;
    findings.unless(credential.active.is_none(), "the inventory is right", || {
        "a rotation is still active".to_owned()
    });
    let current = credential.current().map(|version| version.number);
    findings.unless(current == Some(alive), "the inventory is right", || {
        format!("it says that {current:?} is current")
    });
    let ended = match scene.outcome {
        Outcome::Completed => VersionStatus::Retired,
        Outcome::RolledBack | Outcome::Stuck => VersionStatus::Abandoned,
    };
    let status = credential.version(dead).map(|version| version.status);
    // A version that was never made needs no entry; one that may have been made must never give its number away again.
    let made = scene.may_have_been_made(plan_of(scene));
    let right = status == Some(ended) || (status.is_none() && !made);
    findings.unless(right, "the inventory is right", || {
        format!("it says that version {dead} is {status:?}")
    });
    let fresh = credential.next_number() > plan_of(scene);
    findings.unless(fresh || !made, "no number is used twice", || {
        format!("version {} is next", credential.next_number())
    });
    scene.company.world.look(|state| {
        let shown = state.stores.iter().flatten().all(|shown| shown.view == credential.view);
        findings.unless(shown, "the inventory is right", || {
            format!("no store shows {}", credential.view)
        });
    });
}

fn plan_of(scene: &Scene<'_>) -> VersionNumber {
    scene.rotation.plan().new_version()
}

impl Scene<'_> {
    /// Whether making the version was ever intended.
    fn may_have_been_made(&self, version: VersionNumber) -> bool {
        use keywheel_domain::plan::Action::{Generate, Mint};
        use keywheel_domain::rotation::Event::Intended;
        let steps = self.rotation.plan().steps();
        self.entries.iter().any(|entry| match &entry.event {
            Intended { step, .. } if !step.unwinding => {
                matches!(&steps[step.index], Generate { version: v } | Mint { version: v } if *v == version)
            }
            _ => false,
        })
    }
}

/// The audit log opened and completed this rotation once each, and says how it ended.
fn audited(scene: &Scene<'_>, findings: &mut Findings) {
    const RULE: &str = "the audit log is right";
    let records = at_once(scene.company.audit.read()).unwrap_or_default();
    findings.unless(audit::verify(&records).is_ok(), RULE, || {
        "its chain is broken".to_owned()
    });
    let events = records.iter().filter_map(|record| record.event().ok());
    let ours: Vec<_> = events
        .filter(|event| event.rotation.as_ref() == Some(scene.rotation.id()))
        .collect();
    let phases: Vec<_> = ours.iter().map(|event| event.phase).collect();
    // Only a rotation that was undone before its preflight has nothing but an end.
    let undone = scene.outcome != Outcome::Completed;
    let complete = phases == [AuditPhase::Begin, AuditPhase::Complete] || (undone && phases == [AuditPhase::Complete]);
    findings.unless(complete, RULE, || format!("it has {phases:?}"));
    let success = ours.last().and_then(|event| event.success);
    let right = success == Some(scene.outcome == Outcome::Completed);
    findings.unless(right, RULE, || {
        format!("it says success {success:?} of {:?}", scene.outcome)
    });
}

/// Nobody is left with an open notice.
fn told(scene: &Scene<'_>, findings: &mut Findings) {
    let open = scene.company.people.told(scene.rotation.id()).open;
    findings.unless(!open, "notices are closed", || {
        "people still think that it is going on".to_owned()
    });
}
