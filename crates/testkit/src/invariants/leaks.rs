//! Where no material may be.

use keywheel_domain::ports::AuditLog;

use super::{Findings, Scene, at_once};
use crate::leak::MARK;

/// The mark in hexadecimal, as a careless dump shows it.
const MARK_IN_HEX: &str = "6b7763616e617279";

/// No secret of the simulated company stands in the audit log, a notice, an error or debug output; the journal is searched
/// where it is read. All of its secrets begin with the same mark, so that one search finds any of them:
/// [`LeakHunter`](crate::leak::LeakHunter) searches real runs for parts and encodings as well.
pub(super) fn check(scene: &Scene<'_>, said: &[String], findings: &mut Findings) {
    for record in at_once(scene.company.audit.read()).unwrap_or_default() {
        look("the audit log", &record.body, findings);
    }
    for notice in scene.company.people.told(scene.rotation.id()).notices {
        look("a notice", &notice.message, findings);
    }
    for text in said {
        look("what was shown", text, findings);
    }
}

pub(super) fn look(place: &str, text: &str, findings: &mut Findings) {
    let clean = !text.contains(MARK) && !text.contains(MARK_IN_HEX);
    findings.unless(clean, "nothing leaks", || {
        format!("there is material in {place}: {text}")
    });
}
