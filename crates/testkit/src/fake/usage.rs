//! Who uses a version.

use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{Usage, VersionMaterial};

use crate::world::{Fingerprint, State};

/// By the sessions that the authority sees.
pub(super) fn of_logins(state: &State, version: &VersionMaterial) -> Usage {
    let key = Fingerprint::of(&version.material);
    let running = state.fleets.iter().flat_map(|fleet| &fleet.members);
    let presenting = running.filter(|member| member.running.as_ref().is_some_and(|shown| shown.primary == key));
    told(version.id.to_string(), presenting.count(), "sessions")
}

/// By the live tokens that verifiers meet.
pub(super) fn of_tokens(state: &State, key: Fingerprint, subject: String) -> Usage {
    let live = state
        .tokens
        .iter()
        .filter(|(signer, until)| *signer == key && *until > state.now);
    told(subject, live.count(), "kinds of live tokens")
}

fn told(subject: String, count: usize, what: &str) -> Usage {
    let fact = Evidence::new(EvidenceKind::Usage, subject, format!("{count} {what}"));
    if count == 0 {
        Usage::Unused(vec![fact])
    } else {
        Usage::InUse(vec![fact])
    }
}
