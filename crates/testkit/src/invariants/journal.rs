//! What the journal tells.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::Timestamp;
use keywheel_domain::id::Sequence;
use keywheel_domain::rotation::{Entry, Phase, Rotation, decode, encode};

use super::{Findings, Scene};
use crate::world::{Deed, Happening};

/// The journal reads back as it was written and holds no material, and every deed was done while its intent was the last word.
pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for entry in scene.entries.iter().filter(|entry| !is_known(entry)) {
        let text = encode(entry);
        let back = decode(&text);
        let same = back.as_ref().is_ok_and(|back| back == entry);
        findings.unless(same, "the journal replays", || {
            format!("entry {} does not read back", entry.sequence)
        });
        super::leaks::look("the journal", &text, findings);
    }
    explain(scene, findings);
}

type Place = (Sequence, Timestamp);

thread_local! {
    /// Entries that were looked at already: in a search, nearly every entry is one that another run had as well.
    static KNOWN: RefCell<HashMap<Place, Vec<Entry>>> = RefCell::default();
}

/// Whether this very entry was looked at before.
fn is_known(entry: &Entry) -> bool {
    KNOWN.with_borrow_mut(|known| {
        if known.len() > 20_000 {
            known.clear();
        }
        let there = known.entry((entry.sequence, entry.at)).or_default();
        let is_known = there.contains(entry);
        if !is_known {
            there.push(entry.clone());
        }
        is_known
    })
}

/// Walks the world's history along the journal.
fn explain(scene: &Scene<'_>, findings: &mut Findings) {
    let mut entries = scene.entries.iter();
    let mut rotation: Option<Rotation> = None;
    scene.company.world.look(|state| {
        for happening in &state.history {
            match happening {
                Happening::Journaled { rotation: id, last } if id == scene.rotation.id() => {
                    while rotation.as_ref().is_none_or(|rotation| rotation.sequence() < *last) {
                        let Some(entry) = entries.next() else { break };
                        rotation = match rotation.take() {
                            None => Rotation::open(entry).ok(),
                            Some(rotation) => rotation.apply(entry).ok(),
                        };
                    }
                }
                Happening::Journaled { .. } => {}
                Happening::Deed(deed) => {
                    let explained = rotation.as_ref().is_some_and(|rotation| explains(rotation, deed));
                    findings.unless(explained, "the journal explains every deed", || {
                        let stood = rotation
                            .as_ref()
                            .map(|rotation| (rotation.position(), rotation.phase().clone()));
                        format!("{deed:?} was done while the journal stood at {stood:?}")
                    });
                }
            }
        }
    });
}

fn explains(rotation: &Rotation, deed: &Deed) -> bool {
    let acting = matches!(rotation.phase(), Phase::Acting { .. });
    acting && rotation.action().is_some_and(|action| deed.is_explained_by(action))
}
