//! What a store shows its consumers.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Revision, VersionNumber};

/// One primary version, which consumers present or sign with, and all that they accept.
///
/// Two views with different revisions are different deliveries even if they show the same versions, so that a consumer's
/// report of its revision says exactly which delivery it runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct View {
    /// Which delivery this is.
    pub revision: Revision,
    /// The version to present or to sign with.
    pub primary: VersionNumber,
    /// The versions to accept. For presented credentials it is the primary alone: the issuer accepts, not the consumer.
    pub accepted: BTreeSet<VersionNumber>,
}

impl View {
    /// A view that presents `primary` and accepts `accepted`.
    pub fn new(revision: Revision, primary: VersionNumber, accepted: impl IntoIterator<Item = VersionNumber>) -> Self {
        Self {
            revision,
            primary,
            accepted: accepted.into_iter().collect(),
        }
    }

    /// The same versions under another revision.
    #[must_use]
    pub fn at(&self, revision: Revision) -> Self {
        Self {
            revision,
            ..self.clone()
        }
    }

    /// Every version that it shows.
    pub fn versions(&self) -> BTreeSet<VersionNumber> {
        let mut versions = self.accepted.clone();
        versions.insert(self.primary);
        versions
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self
            .accepted
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",");
        write!(
            f,
            "r{} (primary {}, accepted {})",
            self.revision, self.primary, accepted
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: VersionNumber = VersionNumber(1);
    const TWO: VersionNumber = VersionNumber(2);

    #[test]
    fn the_same_versions_under_another_revision_are_another_view() {
        let view = View::new(Revision(3), TWO, [ONE, TWO]);
        let later = view.at(Revision(4));
        assert_ne!(view, later);
        assert_eq!(later.accepted, view.accepted);
        assert_eq!(later.to_string(), "r4 (primary 2, accepted 1,2)");
    }

    #[test]
    fn a_view_shows_its_primary_and_what_it_accepts() {
        assert_eq!(View::new(Revision(1), TWO, [ONE]).versions(), [ONE, TWO].into());
    }
}
