//! The places where consumers log in.

use std::fmt;

use crate::config::{EndpointKind, PostgresConfig};
use crate::endpoint::Endpoint;

/// Whether changes arrive there at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Primary,
    /// They arrive later, and it has sessions of its own.
    Replica,
    /// Another way to one of the others.
    Pooler,
}

/// A place where consumers log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) endpoint: Endpoint,
    pub(super) kind: Kind,
}

impl Place {
    /// The primary, then those that are listed.
    pub(super) fn all(config: &PostgresConfig) -> Vec<Self> {
        let admin = Endpoint::of_admin(&config.admin);
        let database = config.database.as_deref().unwrap_or(&config.admin.database);
        let primary = Self {
            endpoint: admin.with_database(database),
            kind: Kind::Primary,
        };
        let further = config.endpoints.iter().map(|endpoint| Self {
            endpoint: Endpoint::further(endpoint, database),
            kind: match endpoint.kind {
                EndpointKind::Replica => Kind::Replica,
                EndpointKind::Pooler => Kind::Pooler,
            },
        });
        std::iter::once(primary).chain(further).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Primary => "",
            Kind::Replica => "replica ",
            Kind::Pooler => "pooler ",
        };
        write!(f, "{kind}{}", self.endpoint)
    }
}
