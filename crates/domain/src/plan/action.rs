//! What a step does.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::id::VersionNumber;
use crate::view::View;

/// One step of a plan or of an unwinding.
pub type Step = Action;

/// What a step does. Actions carry all that they need: there is nothing to decide when they run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Ask everything that would be embarrassing to learn later. Changes nothing.
    Preflight,
    /// Wait for somebody who may approve.
    Approve,
    /// Tell people, wait out the notice, then wait for a window to open.
    Announce {
        /// How long ahead.
        notice: SignedDuration,
    },
    /// Make the material here and seal it.
    Generate {
        /// The version to make.
        version: VersionNumber,
    },
    /// Have the authority make the material, and seal it.
    Mint {
        /// The version to make.
        version: VersionNumber,
    },
    /// Have the issuer accept the version beside what it accepts.
    Stage {
        /// The version to accept.
        version: VersionNumber,
    },
    /// Have the issuer accept the version instead of the other one.
    Replace {
        /// The version that ends.
        from: VersionNumber,
        /// The version that begins.
        to: VersionNumber,
    },
    /// Authenticate with the version as a consumer would.
    Prove {
        /// The version to try.
        version: VersionNumber,
    },
    /// Show consumers another view.
    Deliver {
        /// What the stores show now.
        from: View,
        /// What they show then.
        to: View,
    },
    /// Have the workloads pick the view up.
    RollOut {
        /// The view to pick up.
        view: View,
    },
    /// Wait until every instance reports that it runs the view.
    Converge {
        /// The view to run.
        view: View,
    },
    /// Watch health for a while.
    Watch {
        /// What the time is for.
        watch: Watch,
        /// How long.
        length: SignedDuration,
        /// The part of it that nobody may cut short: something signed may live that long.
        at_least: SignedDuration,
    },
    /// Wait until evidence says that nobody uses the version.
    Drain {
        /// The version that is on its way out.
        version: VersionNumber,
    },
    /// Take the version out of use, reversibly.
    Suspend {
        /// The version to refuse.
        version: VersionNumber,
    },
    /// Put a suspended version back into use.
    Reinstate {
        /// The version to accept again.
        version: VersionNumber,
    },
    /// Destroy the version at its issuer.
    Retire {
        /// The version to destroy.
        version: VersionNumber,
    },
    /// Authenticate with the version and be refused.
    ProveDead {
        /// The version to try.
        version: VersionNumber,
    },
    /// Put a sealed copy away under retention and destroy the originals.
    Archive {
        /// The version to put away.
        version: VersionNumber,
    },
    /// Complete the audit record and tell people.
    Close,
}

/// What a watched time is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Health has to hold without a break: the soak.
    Validate,
    /// Both versions stay valid.
    Grace,
    /// What was signed with a version runs out before the version goes.
    Outlast,
    /// The old version is suspended and damage would show.
    Observe,
}

impl Action {
    /// The step's short name, as plans, progress and the journal's readers show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Approve => "approve",
            Self::Announce { .. } => "announce",
            Self::Generate { .. } => "generate",
            Self::Mint { .. } => "mint",
            Self::Stage { .. } => "stage",
            Self::Replace { .. } => "replace",
            Self::Prove { .. } => "prove",
            Self::Deliver { .. } => "deliver",
            Self::RollOut { .. } => "roll out",
            Self::Converge { .. } => "converge",
            Self::Watch {
                watch: Watch::Validate, ..
            } => "validate",
            Self::Watch {
                watch: Watch::Grace, ..
            } => "grace",
            Self::Watch {
                watch: Watch::Outlast, ..
            } => "outlast",
            Self::Watch {
                watch: Watch::Observe, ..
            } => "observe",
            Self::Drain { .. } => "drain",
            Self::Suspend { .. } => "suspend",
            Self::Reinstate { .. } => "reinstate",
            Self::Retire { .. } => "retire",
            Self::ProveDead { .. } => "prove dead",
            Self::Archive { .. } => "archive",
            Self::Close => "close",
        }
    }

    /// Whether the step waits for the world instead of changing it. Such steps are looked at, never journaled as intents.
    pub fn is_watched(&self) -> bool {
        matches!(
            self,
            Self::Approve | Self::Announce { .. } | Self::Converge { .. } | Self::Watch { .. } | Self::Drain { .. }
        )
    }

    /// Whether the step changes something outside that an unwinding has to undo.
    pub fn has_effect(&self) -> bool {
        matches!(
            self,
            Self::Mint { .. }
                | Self::Stage { .. }
                | Self::Replace { .. }
                | Self::Deliver { .. }
                | Self::RollOut { .. }
                | Self::Suspend { .. }
                | Self::Reinstate { .. }
                | Self::Retire { .. }
        )
    }

    /// Whether the step ends a version for good.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Retire { .. })
    }
}
