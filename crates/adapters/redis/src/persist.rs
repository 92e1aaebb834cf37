//! What has to outlive a restart: users and settings, written by the server into its own files.
//!
//! Whoever waits for a save shares it with all who asked before it began, so that many rotations cost few saves. That a save
//! succeeded is what the server answers: it does so after the file is synced and in its place.

use keywheel_domain::ports::{ErrorKind, PortError};

use crate::ask::Ask;
use crate::error::Failure;
use crate::node::{Kind, Node};

const NO_ACL_FILE: &str = "not configured to use an ACL file";
const NO_CONFIG_FILE: &str = "without a config file";

/// Where a node keeps its users or settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In its ACL file.
    AclFile,
    /// In its configuration file.
    ConfigFile,
    /// In memory alone, because it has neither.
    Nowhere,
}

impl Kept {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AclFile => "ACL file",
            Self::ConfigFile => "configuration file",
            Self::Nowhere => "memory only",
        }
    }
}

impl Node {
    /// Has the node write its users, as they are at some moment after this call.
    pub(crate) async fn save_users(&self) -> Result<Kept, Failure> {
        self.saving
            .run(|| async {
                match self.call(Ask::new("ACL SAVE")).await {
                    Ok(_) => Ok(Kept::AclFile),
                    Err(failure) if failure.says(NO_ACL_FILE) => self.rewrite().await,
                    Err(failure) => Err(failure),
                }
            })
            .await
    }

    /// Has the node write its settings, as they are at some moment after this call.
    pub(crate) async fn save_settings(&self) -> Result<Kept, Failure> {
        self.rewriting.run(|| self.rewrite()).await
    }

    async fn rewrite(&self) -> Result<Kept, Failure> {
        let ask = match self.kind {
            Kind::Data => Ask::new("CONFIG REWRITE"),
            Kind::Sentinel => Ask::new("SENTINEL FLUSHCONFIG"),
        };
        match self.call(ask).await {
            Ok(_) => Ok(Kept::ConfigFile),
            Err(failure) if failure.says(NO_CONFIG_FILE) => Ok(Kept::Nowhere),
            Err(failure) => Err(failure),
        }
    }
}

/// Refuses what a restart would undo, unless that was accepted.
pub(crate) fn require(kept: Kept, node: &Node, consent: Option<&str>) -> Result<Kept, PortError> {
    match (kept, consent) {
        (Kept::Nowhere, None) => {
            let message = format!(
                "{} has neither an ACL file nor a configuration file, so that a restart undoes the change; start it with `aclfile`, or say why that is accepted in `allow_unpersisted`",
                node.address
            );
            Err(PortError::permanent(ErrorKind::Storage, message))
        }
        (kept, _) => Ok(kept),
    }
}
