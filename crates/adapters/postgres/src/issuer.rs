//! The issuer of database roles' passwords.

mod change;
mod decide;
mod drift;
mod material;
mod place;
mod preflight;
mod prove;
mod roles;
mod sessions;
mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{
    Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, PortError, Usage, VersionMaterial,
};
use keywheel_domain::version::Attributes;

use crate::config::{ConfigError, PostgresConfig, Strategy};
use crate::connect::{Admin, Limits};

pub use material::{PASSWORD, SALT, USERNAME};

use decide::Deed;
use material::Parts;
use place::Place;
use roles::Roles;

/// The issuer of kinds `twin_roles` and `in_place`.
#[derive(Clone, Debug)]
pub struct PostgresIssuer {
    config: Arc<PostgresConfig>,
    roles: Arc<Roles>,
    places: Arc<Vec<Place>>,
    admin: Arc<Admin>,
    /// Salts of verifiers for passwords that people brought.
    entropy: Arc<dyn Entropy>,
}

impl PostgresIssuer {
    /// An issuer for one credential. `admin` was made from the same `admin` section.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn new(config: PostgresConfig, admin: Arc<Admin>, entropy: Arc<dyn Entropy>) -> Result<Self, ConfigError> {
        config.check()?;
        if !admin.is_for(&config.admin) {
            return Err(ConfigError::OtherAdmin);
        }
        let roles = Roles {
            owner: config.role.clone(),
            twins: config.twin_names()?,
        };
        Ok(Self {
            places: Arc::new(Place::all(&config)),
            roles: Arc::new(roles),
            config: Arc::new(config),
            admin,
            entropy,
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            connect: self.config.connect_timeout,
            statement: self.config.statement_timeout,
        }
    }

    /// What is in the material of a version, which has to be for one of the credential's roles.
    fn parts(&self, material: &Material) -> Result<Parts, PortError> {
        let parts = material::read(material)?;
        if !self.roles.knows(&parts.username) {
            let message = format!(
                "the material is for the role {}, and this credential is about {}; correct `role` or `twins`, or give it other material",
                parts.username, self.roles
            );
            return Err(PortError::permanent(ErrorKind::Invalid, message));
        }
        Ok(parts)
    }
}

#[async_trait]
impl Issuer for PostgresIssuer {
    fn capabilities(&self) -> IssuerCapabilities {
        let (overlap, can_suspend) = match self.config.kind {
            Strategy::TwinRoles => (Overlap::TwoVersions, true),
            Strategy::InPlace => (Overlap::OneVersion, false),
        };
        IssuerCapabilities {
            overlap,
            minted_by: MintedBy::Us,
            can_suspend,
        }
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        let current = current.map(|version| self.parts(&version.material)).transpose()?;
        self.look(current.as_ref()).await
    }

    async fn generate(
        &self,
        _id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        let current = current.and_then(|attributes| attributes.get(USERNAME));
        let name = self.roles.next(current.map(String::as_str));
        material::make(name, &self.config.password_rule, entropy)
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        Ok(material::describe(&self.parts(material)?))
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(Strategy::TwinRoles, "stage")?;
        self.accept(version).await
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(Strategy::InPlace, "replace")?;
        self.exchange(version).await
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.log_in_everywhere(version).await
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.be_refused_everywhere(version).await
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(Strategy::TwinRoles, "suspend")?;
        self.end(version, Deed::Suspend).await
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.only(Strategy::TwinRoles, "reinstate")?;
        self.end(version, Deed::Reinstate).await
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        self.end(version, Deed::Retire).await
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        let parts = self.parts(&version.material)?;
        self.sessions_of(&version.id, &parts.username, switched).await
    }

    /// The roles of the credential that exist, and others that can act as its owner.
    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        self.held().await
    }
}

impl PostgresIssuer {
    fn only(&self, kind: Strategy, what: &str) -> Result<(), PortError> {
        if self.config.kind == kind {
            return Ok(());
        }
        let message = format!(
            "roles of this kind cannot {what}; the issuer's capabilities and its plan disagree, which is a defect: please report it"
        );
        Err(PortError::permanent(ErrorKind::Unsupported, message))
    }
}
