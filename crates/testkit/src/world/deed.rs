//! What a driver does to the world.

use keywheel_domain::id::{Revision, RotationId, Sequence, VersionNumber};
use keywheel_domain::plan::Action;

/// One change that a driver made through a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// The material of the version was sealed and kept.
    Kept(VersionNumber),
    /// The kept material of the version was destroyed.
    Forgotten(VersionNumber),
    /// The authority made the version.
    Minted(VersionNumber),
    /// What an earlier attempt to mint the version left behind was deleted.
    Swept(VersionNumber),
    /// The issuer accepts the version.
    Staged(VersionNumber),
    /// The issuer accepts the version and no other.
    Replaced(VersionNumber),
    /// The issuer refuses the version for now.
    Suspended(VersionNumber),
    /// The issuer accepts the suspended version again.
    Reinstated(VersionNumber),
    /// The issuer destroyed the version.
    Retired(VersionNumber),
    /// A store shows the delivery.
    Delivered(Revision),
    /// A workload was told to pick the delivery up.
    RolledOut(Revision),
    /// A sealed copy was put away.
    Archived(VersionNumber),
}

/// What happened, in order: deeds, and how far the journal went between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The driver did something.
    Deed(Deed),
    /// From here on, the journal of the rotation goes to this entry.
    Journaled {
        /// The rotation.
        rotation: RotationId,
        /// Its last entry.
        last: Sequence,
    },
}

impl Deed {
    /// What it is called in the stories of a search.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kept(_) => "keeping material",
            Self::Forgotten(_) => "destroying material",
            Self::Minted(_) => "minting",
            Self::Swept(_) => "sweeping an orphan",
            Self::Staged(_) => "staging",
            Self::Replaced(_) => "replacing",
            Self::Suspended(_) => "suspending",
            Self::Reinstated(_) => "reinstating",
            Self::Retired(_) => "retiring",
            Self::Delivered(_) => "delivering",
            Self::RolledOut(_) => "rolling out",
            Self::Archived(_) => "archiving",
        }
    }

    /// Whether carrying out the action is a reason for the deed.
    pub fn is_explained_by(&self, action: &Action) -> bool {
        match (self, action) {
            (Self::Kept(v), Action::Generate { version } | Action::Mint { version })
            | (Self::Minted(v) | Self::Swept(v), Action::Mint { version })
            | (Self::Staged(v), Action::Stage { version })
            | (Self::Replaced(v), Action::Replace { to: version, .. })
            | (Self::Suspended(v), Action::Suspend { version })
            | (Self::Reinstated(v), Action::Reinstate { version })
            | (Self::Retired(v), Action::Retire { version })
            | (Self::Archived(v), Action::Archive { version }) => v == version,
            // Putting one version away is also when those that ended before it go.
            (Self::Forgotten(_), Action::Archive { .. }) => true,
            (Self::Delivered(revision), Action::Deliver { to: view, .. })
            | (Self::RolledOut(revision), Action::RollOut { view }) => *revision == view.revision,
            _ => false,
        }
    }
}
