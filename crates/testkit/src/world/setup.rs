//! What a company is built from.

use jiff::SignedDuration;
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::IssuerCapabilities;

/// How the credential works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// Every version is a user of its own.
    TwinUsers,
    /// One user with two passwords. A suspended password is one that was taken off.
    DualPassword,
    /// The authority mints the key and shows it once.
    TwinKeys,
    /// One password: setting the next one ends the last one.
    InPlace,
    /// Instances sign and verify; there is no authority.
    KeyRing,
}

impl Style {
    /// How versions overlap.
    pub fn overlap(self) -> Overlap {
        match self {
            Self::TwinUsers | Self::DualPassword | Self::TwinKeys => Overlap::TwoVersions,
            Self::InPlace => Overlap::OneVersion,
            Self::KeyRing => Overlap::KeyRing,
        }
    }

    /// Who makes the material.
    pub fn minted_by(self) -> MintedBy {
        if self == Self::TwinKeys {
            MintedBy::Authority
        } else {
            MintedBy::Us
        }
    }
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSetup {
    /// How many instances it has.
    pub instances: usize,
    /// How long after the last instance the next one rolls; the first one rolls at once.
    pub pace: SignedDuration,
    /// Whether its instances say what they run. Those that do not have rolled when the roll-out returns.
    pub tells: bool,
}

/// What a company is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// How the credential works.
    pub style: Style,
    /// Whether a version can be taken out of use and put back.
    pub can_suspend: bool,
    /// How many accounts the authority holds at the most, suspended and foreign ones included.
    pub quota: usize,
    /// Whether the authority also holds an account that is not Keywheel's.
    pub foreign: bool,
    /// How many stores there are; workloads read them in turn.
    pub stores: usize,
    /// The workloads.
    pub fleets: Vec<FleetSetup>,
    /// How long something that was signed is shown to verifiers, with the skew of their clocks.
    pub lifetime: SignedDuration,
    /// Whether the issuer can tell who uses a version.
    pub tells_usage: bool,
}

impl Setup {
    /// One store and one workload of two instances, the second of which rolls three seconds after the first. Tokens of key
    /// rings live 15 seconds.
    pub fn new(style: Style) -> Self {
        let lifetime = match style {
            Style::KeyRing => SignedDuration::from_secs(15),
            _ => SignedDuration::ZERO,
        };
        Self {
            style,
            can_suspend: style.overlap() == Overlap::TwoVersions,
            quota: 2,
            foreign: false,
            stores: 1,
            fleets: vec![FleetSetup {
                instances: 2,
                pace: SignedDuration::from_secs(3),
                tells: true,
            }],
            lifetime,
            tells_usage: true,
        }
    }

    /// What the issuer declares.
    pub fn capabilities(&self) -> IssuerCapabilities {
        IssuerCapabilities {
            overlap: self.style.overlap(),
            minted_by: self.style.minted_by(),
            can_suspend: self.can_suspend,
        }
    }
}
